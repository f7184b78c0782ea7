"""Retry of an unreachable server: limited, only for what a retry can fix, and one line at the end."""

import botocore.exceptions
import pytest
import requests
import urllib3

from pipeline.errors import BadInput, Unavailable
from pipeline.retry import RetryPolicy, Unreachable, cause


def waiting(seconds: float) -> RetryPolicy:
    return RetryPolicy(seconds, "S3 at here", "a running store", "start it", longest_pause_s=0.01)


def test_a_server_that_comes_back_costs_nothing_but_time():
    answers = [Unreachable("HTTP 503"), Unreachable("connection refused"), "bytes"]

    def once() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    assert waiting(60).call(once) == "bytes"
    assert answers == []


def test_an_unreachable_server_is_one_line_and_75():
    calls = []

    def once() -> None:
        calls.append(1)
        raise Unreachable("connection refused")

    with pytest.raises(Unavailable) as caught:
        waiting(0.1).call(once)
    assert str(caught.value) == "S3 at here does not answer: connection refused; expected a running store; fix: start it"
    assert caught.value.exit_code == 75
    assert len(calls) > 1


def test_an_error_that_a_retry_cannot_fix_is_raised_at_once():
    calls = []

    def once() -> None:
        calls.append(1)
        raise BadInput("wrong credentials")

    with pytest.raises(BadInput):
        waiting(60).call(once)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.ConnectionError("HTTPConnectionPool: [Errno 111] Connection refused"), "connection refused"),
        (requests.ReadTimeout("Read timed out. (read timeout=60)"), "timed out"),
        (requests.ConnectionError("Connection aborted.", ConnectionResetError(104, "reset by peer")), "connection broken"),
        (
            botocore.exceptions.EndpointConnectionError(
                endpoint_url="http://127.0.0.1:1/", error=urllib3.exceptions.NewConnectionError(None, "[Errno 111] Connection refused")
            ),
            "connection refused",
        ),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="http://127.0.0.1:1/", error=None), "timed out"),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="http://127.0.0.1:1/", error=None), "connection broken"),
    ],
)
def test_the_cause_is_two_words(error: Exception, said: str):
    assert cause(error) == said
