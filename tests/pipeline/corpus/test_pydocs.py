"""The source of docstrings: what is extracted, in which order, at which revision."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from pipeline.corpus.documents import Quarantined, Record
from pipeline.corpus.readers import pydocs
from pipeline.corpus.readers.docstrings import docstrings, split
from pipeline.corpus.readers.pydocs import Batch, extract, module_name, read, wanted
from pipeline.corpus.readers.workers import in_order
from pipeline.errors import Unavailable
from pipeline.journal import Quiet
from pipeline.recipe import Source
from pipeline.settings import Settings
from pipeline.sources.base import Pin
from pipeline.sources.installed import installed, pin, python_files

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.corpora import Ingest

SOURCE = '''
"""Module doc."""
import x
if x:
    def conditional():
        """Conditional doc."""
try:
    class A:
        """Class doc.

            Indented body.
        """
        async def method(self):
            """Method doc."""
            def inner():
                """Never seen."""
        class Inner:
            """Inner doc."""
except ImportError:
    def fallback():
        """Fallback doc."""
def silent(): pass
def bytes_():
    b"""Not a docstring."""
'''


def test_docstrings_of_modules_classes_and_functions_in_order() -> None:
    assert docstrings(SOURCE.encode(), "m") == [
        ("m", "Module doc."),
        ("m.conditional", "Conditional doc."),
        ("m.A", "Class doc.\n\nIndented body."),
        ("m.A.method", "Method doc."),
        ("m.A.Inner", "Inner doc."),
        ("m.fallback", "Fallback doc."),
    ]


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Summary.\n\nBody.\n\nMore.", ("Body.\n\nMore.", "Summary.")),
        ("Summary only.", ("Summary only.", None)),
        ("A summary\nof two lines.\n\nBody.", ("A summary\nof two lines.\n\nBody.", None)),
        ("Summary.\n\n", ("Summary.\n\n", None)),
    ],
)
def test_summary_and_body_are_told_apart_as_pep_257_says(docstring: str, expected: tuple[str, str | None]) -> None:
    assert split(docstring) == expected


def test_tests_and_copies_of_other_packages_are_left_out() -> None:
    assert [wanted(path) for path in ("a/b.py", "a/testing/b.py", "a/tests/b.py", "a/_vendor/b.py", "a/test_b.py", "a/conftest.py")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert (module_name("a/b/__init__.py"), module_name("a/b.py")) == ("a.b", "a.b")


def test_the_order_does_not_depend_on_the_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(kind="pydocs", packages=("packaging", "click", "iniconfig"))
    monkeypatch.setattr(pydocs, "BATCH", 20_000)
    read_by = {}
    for count in (1, 2):
        monkeypatch.setattr(pydocs, "processors", lambda count=count: count)
        read_by[count] = list(read(source, pin(source, Settings()), Settings(), Quiet()))
    assert read_by[1] == read_by[2]
    assert len(read_by[1]) > 500
    assert {record.group for record in read_by[1] if isinstance(record, Record)} == {"packaging", "click", "iniconfig"}


def test_a_package_that_changed_since_it_was_pinned_is_not_read() -> None:
    source = Source(kind="pydocs", packages=("iniconfig",))
    item = pin(source, Settings()).items[0].model_copy(update={"revision": "record:0:other"})
    with pytest.raises(Unavailable, match="package iniconfig changed"):
        list(read(source, Pin(kind="pydocs", items=(item,)), Settings(), Quiet()))


def test_files_that_were_edited_or_cannot_be_parsed_are_quarantined(tmp_path: Path) -> None:
    distribution = installed()["iniconfig"]
    file = next(found for found in python_files(distribution.record()) if found.path == "iniconfig/__init__.py")
    (tmp_path / "iniconfig").mkdir()
    place = tmp_path / "iniconfig" / "__init__.py"
    place.write_bytes((distribution.site / file.path).read_bytes())
    assert any(isinstance(record, Record) for record in extract(Batch("iniconfig", tmp_path, (file,))))
    place.write_bytes(place.read_bytes() + b"\n")
    assert extract(Batch("iniconfig", tmp_path, (file,))) == [Quarantined("edited after installation", "iniconfig/__init__.py")]
    place.unlink()
    (gone,) = extract(Batch("iniconfig", tmp_path, (file,)))
    assert isinstance(gone, Quarantined)


def test_a_small_package_becomes_a_corpus(ingest: Ingest) -> None:
    _, counts = ingest("pydocs", None, packages=("click", "packaging"), split={"held_out_groups": 0})
    assert counts["kept"] > 300
    assert counts["pairs_train"] > 50


PARENT = """
import multiprocessing, sys, time
from pipeline.corpus.readers.workers import in_order
def main():
    for _ in in_order(time.sleep, [0, 0, 1000, 1000], 2):
        print(*[child.pid for child in multiprocessing.active_children()], flush=True)
if __name__ == "__main__":
    main()
"""


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    workers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    assert workers
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


def test_a_worker_that_was_killed_is_no_bug() -> None:
    with pytest.raises(Unavailable, match="a worker process was killed"):
        list(in_order(os._exit, [1, 2], 2))


def test_results_come_in_the_order_of_the_tasks() -> None:
    assert list(in_order(len, ["a", "bbb", "cc"], 2)) == [1, 3, 2]
