"""What Airflow does about each way a component can end."""

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pipeline.operators.exit_codes import TryAgain, exception_for, explain_exit
from pipeline.operators.log_lines import error_in
from pipeline.runs.records import Failure


@pytest.mark.parametrize(
    ("exit_code", "kind"),
    [(2, AirflowFailException), (1, AirflowFailException), (75, TryAgain), (-9, TryAgain), (-64, TryAgain), (3, AirflowFailException)],
)
def test_only_what_may_go_better_next_time_is_retried(exit_code, kind):
    assert type(exception_for(explain_exit("pretraining", exit_code, None))) is kind


def test_what_the_component_told_is_passed_on():
    told = Failure(exit_code=75, message="the store is away", replan=True)
    assert explain_exit("pretraining", 75, told) is told


def test_an_older_reason_is_not_taken_for_a_death_by_signal():
    told = Failure(exit_code=2, message="of an earlier attempt")
    failure = explain_exit("pretraining", -9, told)
    assert failure.exit_code == 75
    assert "SIGKILL" in failure.message


def test_an_error_that_was_logged_is_passed_on_where_none_could_be_left():
    line = "2026-01-02T03:04:05 ERROR runtime.main S3 at http://s3:8333 does not answer: timed out; expected a running store"
    heard = error_in(line)
    assert heard == "S3 at http://s3:8333 does not answer: timed out; expected a running store"
    assert explain_exit("ingestion", 75, None, heard) == Failure(exit_code=75, message=heard)
    assert error_in(line.replace("ERROR", "WARNING")) == error_in("ERROR is said here too") == ""


def test_a_reason_of_another_end_is_not_taken_for_this_one():
    failure = explain_exit("pretraining", 1, Failure(exit_code=75, message="of an earlier attempt"))
    assert failure.message.startswith("pretraining ended with exit code 1")
