"""What a task does about a component that lives outside of it, decided from Airflow's state of the task alone."""

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from pipeline.launchers.reattach import Action, next_action, task_state


def never() -> str:
    raise AssertionError("Airflow is asked only after a kill")


def test_without_a_kill_it_goes_on_and_airflow_is_not_asked() -> None:
    assert next_action(killed=False, state=never) is Action.CONTINUE


@pytest.mark.parametrize("state", ["failed", "success", "skipped", "removed", "restarting"])
def test_what_was_decided_stops_the_component(state: str) -> None:
    assert next_action(killed=True, state=lambda: state) is Action.STOP


@pytest.mark.parametrize("state", ["running", "queued", "scheduled", "up_for_retry", None])
def test_a_lost_heartbeat_another_attempt_or_no_answer_leave_it_alone(state: str | None) -> None:
    assert next_action(killed=True, state=lambda: state) is Action.DETACH


class Task:
    """As much of Airflow's task instance as is asked; answers in its words."""

    dag_id, task_id, map_index = "line", "pretraining", -1

    def __init__(self, answer) -> None:
        self.answer = answer

    def get_task_states(self, dag_id, task_ids, run_ids, map_index=None):
        if isinstance(self.answer, Exception):
            raise self.answer
        return {run_ids[0]: {task_ids[0]: self.answer}} if self.answer else {}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("failed", "failed"),
        (None, None),
        (AirflowRuntimeError(ErrorResponse(error=ErrorType.GENERIC_ERROR)), None),
        (BrokenPipeError(), None),
    ],
)
def test_state_of_task(answer, state) -> None:
    assert task_state({"ti": Task(answer), "run_id": "r1"}) == state
