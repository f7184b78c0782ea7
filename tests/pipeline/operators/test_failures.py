"""How a task ends when planning or a component fails, with a real store on a folder."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import OKResponse, TriggerDagRun

from pipeline.artifacts import open_store
from pipeline.errors import BadInput, Damaged, Outdated, Unavailable
from pipeline.operators.exit_codes import TryAgain
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


def context(attempt="one"):
    return {"ti": SimpleNamespace(dag_id="pydocs", task_id="evaluation", id=attempt), "run_id": "manual__1"}


def fail(error, settings, attempt="one"):
    with translated_errors(context(attempt), "pydocs-manual__1", "evaluation", settings):
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


def test_other_errors_pass_through(folder_settings):
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError(), folder_settings)
