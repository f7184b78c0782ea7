"""Servers that take a connection and never answer, and addresses that are none: a finding in time, and no traceback."""

import socket
import socketserver
import threading
from itertools import product

import pytest

from pipeline.doctor.run_check import run_check
from pipeline.errors import BadInput
from pipeline.settings import Settings, load_settings
from pipeline.stack.http import ask


def settings_for(url, tmp_path):
    return Settings(
        store="s3://bucket", s3_endpoint=url, s3_access_key="key", s3_secret_key="secret", mlflow_uri=url, airflow_url=url, state=tmp_path
    )


@pytest.fixture
def mute():
    """A socket whose backlog takes connections, with nobody behind it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("check", ["store", "mlflow", "airflow", "clock"])
def test_a_server_that_is_mute_is_unreachable(check, mute, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.stack.http.TIMEOUT_S", 0.2)
    monkeypatch.setattr("pipeline.doctor.clock.RETRY_S", 0.2)
    (finding,) = run_check(check, settings_for(mute, tmp_path))
    assert finding.state == "unreachable"


@pytest.mark.parametrize(
    ("check", "url"),
    [
        *product(("store", "mlflow", "airflow"), ("nonsense", "http://")),
        *product(("settings", "mlflow", "airflow"), ("http://127.0.0.1:99999", "http://127.0.0.1:x")),
    ],
)
def test_what_is_no_address_is_an_error(check, url, tmp_path):
    assert {finding.state for finding in run_check(check, settings_for(url, tmp_path))} == {"error"}


def test_a_server_that_speaks_no_http_is_no_traceback():
    class Greeting(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"220 mail.example ready\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeting) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        answer = ask(f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
    assert answer.status == 0
    assert "220 mail" in answer.text


@pytest.mark.parametrize("name", ["TRAINSHED_S3_ENDPOINT", "TRAINSHED_MLFLOW_URI", "TRAINSHED_AIRFLOW_URL"])
def test_what_cannot_be_taken_apart_names_its_variable(name, monkeypatch):
    monkeypatch.setenv(name, "http://[bad")
    with pytest.raises(BadInput, match=f"setting {name} = 'http://\\[bad'"):
        load_settings()
