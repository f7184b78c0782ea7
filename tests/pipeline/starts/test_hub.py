"""The hub as a start: a server that answers as the hub does, and none."""

from __future__ import annotations

import hashlib
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from fixtures.answers import serving

from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = "a" * 40
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}"}


class Hub(BaseHTTPRequestHandler):
    """One repository at one commit."""

    files = {**FILES, "pytorch_model.bin": b"pickle", "onnx/model.onnx": b"x", "README.md": b"#"}
    name = "org/tiny"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path == f"/api/models/{self.name}/revision/{COMMIT}":
            import json

            siblings = [{"rfilename": name, "size": len(data)} for name, data in self.files.items()]
            self._answer(json.dumps({"id": self.name, "sha": COMMIT, "siblings": siblings}).encode(), "application/json")
            return
        wanted = path.removeprefix(f"/{self.name}/resolve/{COMMIT}/")
        if wanted in self.files:
            self._answer(self.files[wanted], "application/octet-stream")
            return
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the standard library's name

    def _answer(self, data: bytes, kind: str) -> None:
        self.send_response(200)
        headers = {"Content-Type": kind, "X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    with serving(Hub) as url:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", url, raising=False)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
        yield Hub


def test_only_safetensors_configuration_and_tokenizer_of_the_commit_are_downloaded(hub, fetch) -> None:
    pin, files = fetch(f"hub:org/tiny@{COMMIT}")
    assert files == FILES
    assert [item.revision for item in pin.items] == [f"commit:{COMMIT}"]


def test_a_repository_that_is_not_there_and_pickled_weights_are_refused(hub, fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=r"the hub has no org/other@aaaaaaaaaaaa, or it is not public"):
        fetch(f"hub:org/other@{COMMIT}")
    monkeypatch.setattr(Hub, "files", {"config.json": b"{}", "pytorch_model.bin": b"pickle"})
    with pytest.raises(BadInput, match=r"its weights in pytorch_model\.bin"):
        fetch(f"hub:org/tiny@{COMMIT}")


@pytest.mark.parametrize("offline", [False, True])
def test_without_a_network_it_is_one_line(offline: bool, fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", "http://127.0.0.1:9", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
    with pytest.raises(
        Unavailable, match=r"the hub is unreachable for org/tiny .*; fix: download the folder where there is a network"
    ) as caught:
        fetch(f"hub:org/tiny@{COMMIT}")
    assert "\n" not in str(caught.value)
