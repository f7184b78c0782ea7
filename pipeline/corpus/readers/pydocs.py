"""Source ``pydocs``: what people wrote about the Python code installed here.

The name of a record is the qualified name, its group the distribution. Tests are left out, for their docstrings describe
nothing, and so are copies of other distributions inside one (``_vendor``): under a wrong group they would undo the holding
out of whole packages.

Each file is checked against the digest in RECORD before it is read; one that was edited after installation is quarantined.
Parsing is what takes the time (8 MB/s for one processor), so it is spread over processes; the order stays that of
distribution, path and line.
"""

from __future__ import annotations

import gc
import hashlib
import warnings
from typing import TYPE_CHECKING, NamedTuple

from pipeline.corpus.documents import Quarantined, Record
from pipeline.corpus.readers.docstrings import docstrings, record
from pipeline.corpus.readers.fields import is_unicode
from pipeline.corpus.readers.meter import Meter
from pipeline.corpus.readers.workers import in_order, processors
from pipeline.errors import Unavailable
from pipeline.sources.installed import installed, python_files, revision

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.journal import Journal
    from pipeline.recipe.data import Source
    from pipeline.settings import Settings
    from pipeline.sources.base import Pin, PinnedItem
    from pipeline.sources.installed import Distribution, PythonFile

LEFT_OUT = frozenset({"test", "tests", "_test", "_tests", "_vendor", "_vendored", "vendor", "vendored", "_vendored_packages"})
BATCH = 1 << 20
"""Bytes of source that are sent to a worker at once: a tenth of a second of its work."""


class Batch(NamedTuple):
    """What a worker is handed: files of one distribution."""

    group: str
    site: Path
    files: tuple[PythonFile, ...]


def read(source: Source, pin: Pin, settings: Settings, journal: Journal) -> Iterator[Record | Quarantined]:  # noqa: ARG001 - a Reader's signature
    """Yield one record for each docstring of the pinned distributions.

    Raises:
        Unavailable: a distribution is no longer installed at its pinned version.
    """
    found = installed()
    batches = [batch for item in pin.items for batch in _batches(item, _at_revision(item, found))]
    meter = Meter(journal, pin)
    meter.total = sum(file.size for batch in batches for file in batch.files)
    results = in_order(extract, batches, processors())
    for batch, records in zip(batches, results, strict=True):
        yield from records
        meter.add(sum(file.size for file in batch.files))


def extract(batch: Batch) -> list[Record | Quarantined]:
    """Records of the files of a batch. Runs in a worker, or here where there is one processor."""
    collecting = gc.isenabled()
    gc.disable()  # a tree is large, and free of cycles: collecting while it grows takes four times the parsing
    try:
        with warnings.catch_warnings(action="ignore"):  # invalid escapes in other people's code
            return [record for file in batch.files for record in _records(batch, file)]
    finally:
        if collecting:
            gc.enable()


def wanted(path: str) -> bool:
    """Whether a module is read: not a test, not a copy of another distribution."""
    *folders, name = path.split("/")
    return LEFT_OUT.isdisjoint(folders) and not name.startswith("test_") and not name.endswith("_test.py") and name != "conftest.py"


def module_name(path: str) -> str:
    """``a/b/__init__.py`` → ``a.b``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _records(batch: Batch, file: PythonFile) -> Iterator[Record | Quarantined]:
    where = file.path
    try:
        source = (batch.site / file.path).read_bytes()
    except OSError as error:
        yield Quarantined("listed in RECORD but not readable", where, error.strerror or "")
        return
    if hashlib.sha256(source).digest() != file.sha256:
        yield Quarantined("edited after installation", where)
        return
    try:
        found = docstrings(source, module_name(file.path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        yield Quarantined("not Python of this version", where, f"{type(error).__name__}: {error}")
        return
    for name, text in found:
        yield record(name, text, batch.group) if is_unicode(text) else Quarantined("not Unicode", f"{where}: {name}")


def _batches(item: PinnedItem, distribution: Distribution) -> Iterator[Batch]:
    """The modules of a distribution, about a megabyte at a time."""
    held: list[PythonFile] = []
    for file in python_files(distribution.record()):
        if wanted(file.path):
            held.append(file)
        if sum(kept.size for kept in held) >= BATCH:
            yield Batch(item.name, distribution.site, tuple(held))
            held = []
    if held:
        yield Batch(item.name, distribution.site, tuple(held))


def _at_revision(item: PinnedItem, found: dict[str, Distribution]) -> Distribution:
    distribution = found.get(item.name)
    if distribution is None or revision(distribution, distribution.record()) != item.revision:
        raise Unavailable(f"package {item.name} changed since it was planned", "the planned version", "plan the run anew")
    return distribution
