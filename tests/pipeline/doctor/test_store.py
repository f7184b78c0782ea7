"""The check of the store: against a real server, and against servers that do less than they must."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest
from fixtures.answers import serving
from fixtures.mlflow import free_port
from pydantic import SecretStr

from pipeline.artifacts import open_store
from pipeline.doctor.run_check import run_check


def test_a_store_that_does_everything_is_ok_and_is_left_as_it_was(any_settings):
    (finding,) = run_check("store", any_settings)
    assert finding.state == "ok"
    assert list(open_store(any_settings).list("")) == []


def test_wrong_credentials_are_errors(s3_server, tmp_path):
    (finding,) = run_check("store", s3_server.settings(tmp_path, s3_secret_key=SecretStr("another")))
    assert finding.state == "error"
    assert "permission denied (SignatureDoesNotMatch)" in finding.got
    assert finding.fix == "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    assert "another" not in str(finding)


def test_a_missing_bucket_is_an_error(s3_server, tmp_path):
    (finding,) = run_check("store", s3_server.settings(tmp_path, store="s3://nowhere"))
    assert (finding.state, finding.fix) == ("error", "create it, or correct TRAINSHED_STORE")


def test_a_server_that_does_not_answer_is_unreachable(s3_server, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.doctor.base.RETRY_S", 0.0)
    (finding,) = run_check("store", s3_server.settings(tmp_path, s3_endpoint=f"http://127.0.0.1:{free_port()}"))
    assert finding.state == "unreachable"
    assert "connection refused" in finding.got


def test_a_folder_that_may_not_be_written_to_is_an_error(folder_settings, tmp_path):
    (tmp_path / "store").write_text("a file")
    (finding,) = run_check("store", folder_settings)
    assert finding.state == "error"
    assert "TRAINSHED_STORE" in finding.fix


class Forgetful(BaseHTTPRequestHandler):
    """As much of S3 as the check needs, without a look at conditions."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.conditional():
            self.answer(self.refusal)
            return
        self.objects[self.path] = data
        self.answer(200)

    refusal = 0

    def conditional(self) -> bool:
        """Whether this put is one to refuse."""
        return bool(self.refusal) and bool(self.headers["If-None-Match"] or self.headers["If-Match"])

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if "list-type" in place.query:
            prefix = f"{place.path.rstrip('/')}/{parse_qs(place.query)['prefix'][0]}"
            rows = "".join(
                f"<Contents><Key>{key.split('/', 2)[2]}</Key><Size>1</Size><ETag>e</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
                for key in self.objects
                if key.startswith(prefix)
            )
            self.answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode())
        elif self.path in self.objects:
            self.answer(200, self.objects[self.path])
        else:
            self.answer(404)

    do_HEAD = do_GET  # noqa: N815 - the standard library's name

    def do_DELETE(self) -> None:
        self.objects.pop(self.path, None)
        self.answer(204)

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def settings_of(url, s3_server, tmp_path):
    return s3_server.settings(tmp_path, store="s3://bucket/prefix", s3_endpoint=url)


def test_a_server_that_ignores_conditions_is_an_error(s3_server, tmp_path):
    handler = type("Handler", (Forgetful,), {"objects": {}})
    with serving(handler) as url:
        found = run_check("store", settings_of(url, s3_server, tmp_path))
    assert [finding.state for finding in found] == ["error", "error"]
    assert "put-if-absent of an object that exists" in found[0].got
    assert "put-if-unchanged of an object that has changed" in found[1].got
    assert handler.objects == {}


def test_a_server_without_conditions_is_an_error_and_not_unreachable(s3_server, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.doctor.base.RETRY_S", 0.0)
    handler = type("Handler", (Forgetful,), {"objects": {}, "refusal": 501})
    with serving(handler) as url:
        found = run_check("store", settings_of(url, s3_server, tmp_path))
    assert [finding.state for finding in found] == ["error", "error"]
    assert "refuses to put if absent" in found[0].got
    assert handler.objects == {}


@pytest.mark.parametrize(("method", "right"), [("do_DELETE", "delete"), ("do_GET", "read")])
def test_a_right_that_is_missing_is_named(method, right, s3_server, tmp_path):
    def refuse(handler):
        handler.answer(403, b"<Error><Code>AccessDenied</Code></Error>")

    handler = type("Handler", (Forgetful,), {"objects": {}, method: refuse})
    with serving(handler) as url:
        found = run_check("store", settings_of(url, s3_server, tmp_path))
    finding = next(one for one in found if f"refuses to {right} " in one.got)
    assert finding.state == "error"
    assert "AccessDenied" in finding.got
    assert "correct the policy" in finding.fix


@pytest.mark.parametrize(
    ("code", "state", "fix"),
    [
        ("ExpiredToken", "unreachable", "renew them"),
        ("AuthorizationHeaderMalformed", "error", "correct TRAINSHED_S3_REGION"),
        ("RequestTimeTooSkewed", "error", "set the clock of this machine by NTP"),
    ],
)
def test_keys_that_ran_out_another_region_and_a_clock_that_is_off(code, state, fix, s3_server, tmp_path):
    def refuse(handler):
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.answer(400, f"<Error><Code>{code}</Code></Error>".encode())

    with serving(type("Handler", (Forgetful,), {"objects": {}, "do_PUT": refuse})) as url:
        (finding,) = run_check("store", settings_of(url, s3_server, tmp_path))
    assert finding.state == state
    assert code in finding.got
    assert fix in finding.fix
