"""What Airflow does about each way a component can end."""

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pipeline.orchestration.retries import TryAgain, failure_of, verdict
from pipeline.runs import Failure


@pytest.mark.parametrize(
    ("exit_code", "kind"),
    [(2, AirflowFailException), (1, AirflowFailException), (75, TryAgain), (-9, TryAgain), (-64, TryAgain), (3, AirflowFailException)],
)
def test_only_what_may_go_better_next_time_is_retried(exit_code, kind):
    assert type(verdict(failure_of("pretraining", exit_code, None))) is kind


def test_what_the_component_told_is_passed_on():
    told = Failure(exit_code=75, message="the store is away", damaged=True)
    assert failure_of("pretraining", 75, told) is told


def test_an_older_reason_is_not_taken_for_a_death_by_signal():
    told = Failure(exit_code=2, message="of an earlier attempt")
    failure = failure_of("pretraining", -9, told)
    assert failure.exit_code == 75
    assert "SIGKILL" in failure.message


def test_a_reason_of_another_end_is_not_taken_for_this_one():
    failure = failure_of("pretraining", 1, Failure(exit_code=75, message="of an earlier attempt"))
    assert failure.message.startswith("pretraining ended with exit code 1")
