"""Where sources may be read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.errors import BadInput
from pipeline.recipe.data import Source
from pipeline.settings import load_settings
from pipeline.sources.files import pin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one file, a link to a file outside of it, and a hidden folder."""
    folder = tmp_path / "data"
    (folder / ".hidden").mkdir(parents=True)
    for path in (folder / "a.jsonl", folder / ".hidden" / "b.jsonl", tmp_path / "outside.jsonl"):
        path.write_text('{"text": "x"}\n')
    return folder


def pinned(path: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roots: str | None = None) -> list[str]:
    if roots is not None:
        monkeypatch.setenv("TRAINSHED_SOURCE_ROOTS", roots)
    found = pin(Source(kind="jsonl", path=str(path)), load_settings(tmp_path / "state"))
    return [item.name.rpartition("/")[2] for item in found.items]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/*/environ",
        "/etc/../etc/passwd",
        "~/.ssh/id_rsa",
        "{data}/.hidden/b.jsonl",
        "{data}/.hidden",
    ],
)
def test_without_a_setting_hidden_and_system_folders_are_refused(data, tmp_path, monkeypatch, path):
    with pytest.raises(
        BadInput, match=r"^data\.source\.path: sources may not be read from .*; expected no hidden or system folder; fix: .*ROOTS"
    ):
        pinned(path.format(data=data), tmp_path, monkeypatch)
    assert pinned(data / "a.jsonl", tmp_path, monkeypatch) == ["a.jsonl"]


def test_a_hidden_folder_in_a_folder_is_not_read(data, tmp_path, monkeypatch):
    for path in (data, data / "**" / "*.jsonl"):
        assert pinned(path, tmp_path, monkeypatch) == ["a.jsonl"]


def test_the_state_folder_is_never_a_source(data, tmp_path, monkeypatch):
    keys = tmp_path / "state" / "rows.jsonl"
    keys.parent.mkdir()
    keys.write_text("{}\n")
    for roots in (None, str(tmp_path)):
        with pytest.raises(BadInput, match=r"is in the state folder"):
            pinned(keys, tmp_path, monkeypatch, roots)


def test_with_a_setting_only_its_folders_are_allowed(data, tmp_path, monkeypatch):
    roots = f"{data}, s3://sources/team-a"
    assert pinned(data / "*.jsonl", tmp_path, monkeypatch, roots) == ["a.jsonl"]
    assert pinned(data / ".hidden", tmp_path, monkeypatch, roots) == ["b.jsonl"]
    for path in (tmp_path / "outside.jsonl", tmp_path / "*.jsonl", data / ".." / "outside.jsonl", f"{data}-other/x.jsonl", "/etc/passwd"):
        with pytest.raises(BadInput, match=rf"expected a place in {data}, s3://sources/team-a; fix: "):
            pinned(path, tmp_path, monkeypatch, roots)


def test_a_link_does_not_lead_out_of_the_roots(data, tmp_path, monkeypatch):
    (data / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
    for path in (data / "link.jsonl", data / "*.jsonl"):
        with pytest.raises(BadInput, match=r"may not be read from .*/link\.jsonl"):
            pinned(path, tmp_path, monkeypatch, str(data))


@pytest.mark.parametrize("address", ["s3://other/x", "s3://sources/team-b/", "s3://sources/team-ab/", "s3://sources"])
def test_with_a_setting_only_its_prefixes_are_allowed(tmp_path, monkeypatch, address):
    with pytest.raises(BadInput, match=r"^data\.source\.path: sources may not be read from s3://"):
        pinned(address, tmp_path, monkeypatch, "s3://sources/team-a/")
