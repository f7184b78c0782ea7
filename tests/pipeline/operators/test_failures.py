"""How a task ends when planning or a component fails, with a real store on a folder."""

from types import SimpleNamespace

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse, OKResponse, TriggerDagRun
from fixtures.airflow_task import Run, StateStore

from pipeline.artifacts import open_store
from pipeline.errors import BadInput, Damaged, Outdated, SourceChanged, Unavailable
from pipeline.operators.component_operator import ComponentMixin
from pipeline.operators.exit_codes import AIRFLOW_RETRIES, RETRIES, TryAgain
from pipeline.operators.failures import translated_errors
from pipeline.runs.records import read_failure


class Supervisor:
    """Stands where a task's supervisor does, and grants everything."""

    def __init__(self):
        self.asked = []

    def send(self, message):
        self.asked.append(message)
        return OKResponse(ok=True)


@pytest.fixture
def supervisor(monkeypatch):
    stand_in = Supervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", stand_in, raising=False)
    return stand_in


def context(attempt="one", store=None, max_tries=100):
    task = SimpleNamespace(dag_id="pydocs", task_id="evaluation", id=attempt, max_tries=max_tries)
    return {"ti": task, "run_id": "manual__1", "task_state_store": StateStore() if store is None else store}


def fail(error, settings, attempt="one", **more):
    with translated_errors(context(attempt, **more), "pydocs-manual__1", "evaluation", settings):
        raise error


@pytest.mark.parametrize(("error", "kind", "code"), [(BadInput("wrong"), AirflowFailException, 2), (Unavailable("away"), TryAgain, 75)])
def test_the_reason_is_left_beside_the_run(folder_settings, error, kind, code):
    with pytest.raises(kind, match=f"evaluation: {error}"):
        fail(error, folder_settings)
    failure = read_failure(open_store(folder_settings), "pydocs-manual__1", "evaluation")
    assert (failure.exit_code, failure.message, failure.replan) == (code, f"evaluation: {error}", False)


def test_damage_plans_the_run_again(folder_settings, supervisor):
    with pytest.raises(TryAgain, match="planned again"):
        fail(Damaged("corpus: a shard is wrong"), folder_settings)
    assert [(type(ask), ask.dag_id, ask.run_id, ask.reset_dag_run) for ask in supervisor.asked] == [
        (TriggerDagRun, "pydocs", "manual__1", True)
    ]


@pytest.mark.parametrize("kind", [Damaged, Outdated])
def test_a_run_is_planned_again_three_times_and_then_fails(folder_settings, supervisor, kind):
    for attempt in ("one", "two", "three"):
        with pytest.raises(TryAgain, match=r"planned again$"):
            fail(kind("the champion changed"), folder_settings, attempt)
    with pytest.raises(AirflowFailException, match="the run was planned again 3 times already"):
        fail(kind("the champion changed"), folder_settings, "four")
    assert len(supervisor.asked) == 3


def test_a_source_that_changes_again_fails_the_run(folder_settings, supervisor):
    error = SourceChanged("rows.jsonl changed since it was planned")
    with pytest.raises(TryAgain, match=r"planned again$"):
        fail(error, folder_settings, "one")
    with pytest.raises(AirflowFailException, match=r"rows\.jsonl changed .*; the run was planned again 1 times already"):
        fail(error, folder_settings, "two")
    assert len(supervisor.asked) == 1


def test_other_errors_pass_through(folder_settings):
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError(), folder_settings)


def test_failed_attempts_are_retried_five_times(folder_settings):
    store = StateStore()
    for _ in range(RETRIES):
        with pytest.raises(TryAgain):
            fail(Unavailable("the store is unreachable"), folder_settings, store=store)
    with pytest.raises(AirflowFailException, match="the store is unreachable; not retried: 6 attempts have failed"):
        fail(Unavailable("the store is unreachable"), folder_settings, store=store)


def test_a_person_who_clears_the_task_gets_all_attempts_again(folder_settings):
    store = StateStore(failed_attempts={"max_tries": 100, "count": RETRIES})
    with pytest.raises(TryAgain):
        fail(Unavailable("unreachable"), folder_settings, store=store, max_tries=106)
    assert store["failed_attempts"] == {"max_tries": 106, "count": 1}


def test_a_count_that_cannot_be_kept_does_not_fail_the_task(folder_settings):
    class Broken(StateStore):
        def set(self, key, value):
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.GENERIC_ERROR))

    with pytest.raises(TryAgain):
        fail(Unavailable("unreachable"), folder_settings, store=Broken(failed_attempts={"max_tries": 100, "count": RETRIES}))


def test_attempts_that_airflow_ended_are_not_counted(make_line):
    """A worker that shuts down detaches from its container or pod; twenty of them leave five retries for failures."""
    line = make_line()
    run = Run(line.recipe, f"{line.recipe.name}-1", line.settings)
    ends = [TryAgain("detached")] * 20 + [Unavailable("lost its node")]

    class Detaching(ComponentMixin, BaseOperator):
        def __init__(self, *, step, **options):
            super().__init__(task_id=step.id, **options)
            self.set_step(step)

        def launch(self, attempt, context):
            raise ends.pop(0)

    task = run.operator(Detaching, "ingestion")
    for _ in range(20):
        with pytest.raises(TryAgain, match="detached"):
            run.execute(task)
    assert run.stores["ingestion"] == {}
    with pytest.raises(TryAgain, match="lost its node"):
        run.execute(task)
    assert run.stores["ingestion"]["failed_attempts"]["count"] == 1
    assert AIRFLOW_RETRIES > 20 + RETRIES
