"""A wrong server address, or one of another kind of server, gives one line that names the setting."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.artifacts import open_store
from pipeline.errors import BadInput
from pipeline.settings import Settings
from pipeline.submission.airflow_client import Airflow
from pipeline.tracking import MlflowServer

NO_URLS = ["nonsense", "http://", "file:///x", "http://127.0.0.1:99999"]


class Page(BaseHTTPRequestHandler):
    """Answers every request with a page, as web applications with a client-side router do."""

    status = 200

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"<html>")

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - names of http.server

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(params=[200, 404])
def page(request):
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (Page,), {"status": request.param})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask_mlflow(address: str) -> None:
    MlflowServer(Settings(mlflow_uri=address, mlflow_retry_s=0)).call("GET", "registered-models/get", {"name": "x"})


def ask_airflow(address: str) -> None:
    Airflow(Settings(airflow_url=address), retry_s=0).runs()


@pytest.mark.parametrize("address", NO_URLS)
@pytest.mark.parametrize(("ask", "setting"), [(ask_mlflow, "TRAINSHED_MLFLOW_URI"), (ask_airflow, "TRAINSHED_AIRFLOW_URL")])
def test_what_is_no_url_names_its_setting(ask, setting, address):
    with pytest.raises(BadInput, match=f"not a valid URL; .*correct {setting}$"):
        ask(address)


def test_a_page_is_not_mlflow(page):
    with pytest.raises(BadInput, match=r"does not answer as MLflow; .*TRAINSHED_MLFLOW_URI$"):
        ask_mlflow(page)


def test_a_page_is_not_airflow(page):
    with pytest.raises(BadInput, match="TRAINSHED_AIRFLOW_U"):
        ask_airflow(page)


@pytest.mark.parametrize("page", [200], indirect=True)
def test_a_page_is_not_s3(page):
    settings = Settings(store="s3://bucket", s3_endpoint=page, s3_access_key="key", s3_secret_key="secret", s3_retry_s=0)
    with pytest.raises(BadInput, match=r"does not answer as S3 does .*TRAINSHED_S3_ENDPOINT$"):
        open_store(settings).get("x")
