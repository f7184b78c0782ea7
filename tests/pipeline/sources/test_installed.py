"""Pinning installed packages: what counts as their revision, and what is excluded."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import BadInput
from pipeline.recipe import Source
from pipeline.sources.installed import installed, pin, python_files, revision

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings


def install(site: Path, name: str, files: dict[str, str], version: str = "1.0", extra: str = "") -> None:
    """Put a distribution into a site-packages folder, as pip does."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    rows = [extra] if extra else []
    for path, text in files.items():
        place = site / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        rows.append(f"{path},sha256={digest},{len(text)}")
    (info / "RECORD").write_text("\n".join(rows))


def test_the_environment_is_pinned_the_same_twice_and_sorted(folder_settings: Settings) -> None:
    first, second = (pin(Source(kind="pydocs"), folder_settings) for _ in range(2))
    names = [item.name for item in first.items]
    assert first == second
    assert names == sorted(names)
    assert {"numpy", "pydantic"} <= set(names)
    assert "trainshed" not in names
    assert all(item.size > 0 for item in first.items)


def test_packages_are_named_in_any_spelling_and_a_wrong_one_gets_the_near_name(folder_settings: Settings) -> None:
    assert [item.name for item in pin(Source(kind="pydocs", packages=("Scikit_Learn",)), folder_settings).items] == ["scikit-learn"]
    with pytest.raises(BadInput, match="did you mean 'numpy'"):
        pin(Source(kind="pydocs", packages=("nunpy",)), folder_settings)


def test_editable_installs_and_those_without_record_are_left_out(tmp_path: Path) -> None:
    for name in ("plain", "edited", "bare", "trainshed"):
        install(tmp_path, name, {f"{name}/__init__.py": '"""Doc."""'})
    (tmp_path / "edited-1.0.dist-info" / "direct_url.json").write_text(json.dumps({"url": "file:///x", "dir_info": {"editable": True}}))
    (tmp_path / "bare-1.0.dist-info" / "RECORD").unlink()
    assert list(installed((tmp_path,))) == ["plain"]


def test_the_revision_follows_modules_and_version_but_not_start_scripts_and_byte_code(tmp_path: Path) -> None:
    files = {"a/__init__.py": "x = 1"}
    variants = {
        "same": (files, "1.0", ""),
        "noise": (files, "1.0", "../../../bin/a,sha256=abc,200\na/__pycache__/__init__.cpython-311.pyc,,"),
        "other": ({"a/__init__.py": "x = 2"}, "1.0", ""),
        "newer": (files, "1.1", ""),
    }
    seen = {}
    for name, (content, version, extra) in variants.items():
        install(tmp_path / name, "a", content, version, extra)
        found = installed((tmp_path / name,))["a"]
        seen[name] = revision(found.version, python_files(found.record()))
    assert seen["same"] == seen["noise"]
    assert len({seen["same"], seen["other"], seen["newer"]}) == 3


def test_a_record_row_may_hold_commas_in_its_path() -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"").digest()).rstrip(b"=")
    files = python_files(b"b,c.py,sha256=" + digest + b",0\na.py,sha256=" + digest + b",7\nd.txt,sha256=x,1")
    assert [(file.path, file.size) for file in files] == [("a.py", 7), ("b,c.py", 0)]
    assert files[0].sha256 == hashlib.sha256(b"").digest()
