"""The REST client against a scripted server; the end-to-end tests use it against the real one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.errors import BadInput, Unavailable
from pipeline.settings import Settings
from pipeline.submission.airflow_client import Airflow, NotFoundInAirflow


class Script:
    """Answers of a server: for each (method, path without query) a list of (status, body), the last one repeated."""

    def __init__(self):
        self.answers = {("POST", "/auth/token"): [(201, {"access_token": "t"})]}
        self.asked = []

    def take(self, method, path):
        self.asked.append((method, path))
        answers = self.answers.get((method, path.partition("?")[0]), [(404, {"detail": "no such thing"})])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def airflow(script):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = script.take(self.command, self.path)
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Airflow(Settings(airflow_url=f"http://127.0.0.1:{server.server_port}"))
    server.shutdown()
    thread.join()
    server.server_close()


RUN = "/api/v2/dags/d/dagRuns/r"


def test_the_state_of_a_run(airflow, script):
    script.answers["GET", RUN] = [(200, {"dag_id": "d", "dag_run_id": "r", "state": "running"})]
    assert airflow.run("d", "r") == ("d", "r", "running")


def test_a_server_that_is_away_for_a_moment_is_asked_again(airflow, script):
    script.answers["GET", RUN] = [(503, {}), (200, {"dag_id": "d", "dag_run_id": "r", "state": "queued"})]
    assert airflow.run("d", "r").state == "queued"


def test_a_token_that_ran_out_is_renewed(airflow, script):
    script.answers["GET", RUN] = [(401, {}), (200, {"dag_id": "d", "dag_run_id": "r", "state": "queued"})]
    assert airflow.run("d", "r").state == "queued"
    assert script.asked.count(("POST", "/auth/token")) == 2


def test_a_wrong_password_is_bad_input_and_is_not_printed(airflow, script):
    script.answers["POST", "/auth/token"] = [(401, {"detail": "no"})]
    with pytest.raises(BadInput, match="TRAINSHED_AIRFLOW_PASSWORD"):
        airflow.run("d", "r")


def test_a_server_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable, match=r"connection refused.*trainshed up"):
        Airflow(Settings(airflow_url="http://127.0.0.1:9"), retry_s=0).run("d", "r")


def test_a_run_that_exists_already_is_the_one_we_started(airflow, script):
    script.answers["POST", "/api/v2/dags/d/dagRuns"] = [(409, {"detail": "exists"})]
    airflow.trigger("d", "r", {})


def test_a_refused_value_is_told_in_one_line(airflow, script):
    detail = "Invalid input for param finetuning.steps: 0 is less than the minimum of 1\n\nFailed validating ..."
    script.answers["POST", "/api/v2/dags/d/dagRuns"] = [(400, {"detail": detail})]
    with pytest.raises(BadInput) as error:
        airflow.trigger("d", "r", {"finetuning.steps": 0})
    assert str(error.value).startswith(
        "Airflow refused the request: Invalid input for param finetuning.steps: 0 is less than the minimum of 1; "
    )


def test_an_unknown_run_is_not_there(airflow):
    with pytest.raises(NotFoundInAirflow):
        airflow.run("d", "nosuch")


def test_a_dag_that_airflow_forgot_is_none(airflow, script):
    assert airflow.dag("d") is None
    script.answers["GET", "/api/v2/dags/d"] = [(200, {"dag_id": "d", "is_stale": True})]
    assert airflow.dag("d") is None


def test_a_long_list_is_read_page_by_page(airflow, script):
    pages = [(200, {"dags": [{"dag_id": name} for name in names], "total_entries": 3}) for names in (["a", "b"], ["c"])]
    script.answers["GET", "/api/v2/dags"] = pages
    assert [dag["dag_id"] for dag in airflow.dags()] == ["a", "b", "c"]


def test_a_log_is_what_the_component_said_and_what_went_wrong(airflow, script):
    entries = [
        {"event": "::group::Pre Execute", "level": "info"},
        {"event": "Filling up the DagBag", "level": "info"},
        {"event": "the file does not parse", "level": "error"},
        {"event": "::endgroup::", "level": "info"},
        {"event": "step 100 loss 2.1", "level": "info"},
        {"event": "Task failed", "level": "error", "error_detail": [{"exc_type": "TryAgain", "exc_value": "preempted"}]},
    ]
    script.answers["GET", f"{RUN}/taskInstances/t/logs/1"] = [(200, "\n".join(json.dumps(entry) for entry in entries))]
    assert list(airflow.log("d", "r", "t", 1)) == ["the file does not parse", "step 100 loss 2.1", "Task failed", "TryAgain: preempted"]


def test_a_task_that_never_ran_has_no_state(airflow, script):
    rows = [{"task_id": "a", "state": None, "try_number": 0, "start_date": None, "duration": None, "map_index": -1}]
    script.answers["GET", f"{RUN}/taskInstances"] = [(200, {"task_instances": rows, "total_entries": 1})]
    assert airflow.tasks("d", "r") == {"a": ("a", "none", 0, None, None, -1)}


@pytest.mark.parametrize("value", [{"type": "model"}, '{"type": "model"}'])
def test_a_return_value_is_read_whether_airflow_sends_json_or_its_text(airflow, script, value):
    place = f"{RUN}/taskInstances/t/xcomEntries/return_value"
    assert airflow.return_value("d", "r", "t") is None
    script.answers["GET", place] = [(200, {"key": "return_value", "value": value})]
    assert airflow.return_value("d", "r", "t") == {"type": "model"}
