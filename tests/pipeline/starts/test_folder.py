"""A folder or a GGUF file as a start: what is read, pinned, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

KEPT = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}"}


def write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def test_weights_configuration_and_tokenizer_are_read_and_nothing_else(tmp_path: Path, fetch) -> None:
    write(tmp_path / "base", {**KEPT, "README.md": b"#", "pytorch_model.bin": b"pickle", "modeling_own.py": b"import os", "x.gguf": b"g"})
    pin, files = fetch("base")
    assert files == KEPT
    assert pin.kind == "folder"
    assert {item.revision[:7] for item in pin.items} == {"sha256:"}


def test_the_revision_is_that_of_the_bytes_wherever_the_folder_is(tmp_path: Path, fetch) -> None:
    write(tmp_path / "base", KEPT)
    write(tmp_path / "deep" / "moved", {**KEPT, "README.md": b"other"})
    assert fetch("base")[0].digest == fetch(str(tmp_path / "deep" / "moved"))[0].digest
    write(tmp_path / "base", {"model.safetensors": b"weightz"})
    assert fetch("base")[0].digest != fetch("deep/moved")[0].digest


def test_a_gguf_file_is_read_alone(tmp_path: Path, fetch) -> None:
    write(tmp_path / "two", {"a.gguf": b"a", "b.gguf": b"b", "tokenizer.json": b"{}"})
    assert fetch("two/b.gguf")[1] == {"b.gguf": b"b"}
    with pytest.raises(BadInput, match=r"two has several GGUF files: a\.gguf, b\.gguf; expected one"):
        fetch("two")


@pytest.mark.parametrize(
    ("files", "address", "words"),
    [
        ({"x": b""}, "nowhere", r"model\.start: no folder .*nowhere"),
        ({"config.json": b"{}"}, "base", r"no weights in base; expected config\.json with \*\.safetensors, or one \.gguf file"),
        ({"config.json": b"{}", "pytorch_model.bin": b""}, "base", r"its weights in pytorch_model\.bin, a form that can run code"),
        ({"model.safetensors": b""}, "base/model.safetensors", r"base/model\.safetensors is a file; expected a folder, or a \.gguf file"),
    ],
)
def test_what_is_no_model_is_refused_while_planning(tmp_path: Path, fetch, files: dict[str, bytes], address: str, words: str) -> None:
    write(tmp_path / "base", files)
    with pytest.raises(BadInput, match=words):
        fetch(address)


def test_a_start_is_read_only_from_where_sources_may_be_read(tmp_path: Path, fetch) -> None:
    write(tmp_path / ".hidden" / "base", KEPT)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").symlink_to(tmp_path / ".hidden" / "base" / "model.safetensors")
    for address in (".hidden/base", "base", "~/.ssh", "/etc"):
        with pytest.raises(BadInput, match=r"^model\.start: sources may not be read from .*TRAINSHED_SOURCE_ROOTS"):
            fetch(address)
    with pytest.raises(BadInput, match=r"^model\.start: .* is in the state folder, with the keys"):
        fetch("state")


def test_a_file_that_changed_since_the_plan_is_not_used(tmp_path: Path, fetch) -> None:
    write(tmp_path / "base", KEPT)
    pin, _ = fetch("base")
    write(tmp_path / "base", {"model.safetensors": b"weightz"})
    with pytest.raises(Unavailable, match=r"model\.safetensors changed since it was planned \(its content is different\)"):
        fetch("base", pin)
    (tmp_path / "base" / "model.safetensors").unlink()
    with pytest.raises(Unavailable, match=r"model\.safetensors changed since it was planned \(it does not exist here\)"):
        fetch("base", pin)
