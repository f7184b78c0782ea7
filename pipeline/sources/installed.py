"""Source ``pydocs``: the Python packages installed for the running interpreter, at the revision in their RECORD.

A wheel's RECORD holds the sha256 of every file it installed, so reading some hundred small files pins hundreds of megabytes
of source (0.1 s for 250 distributions). Only rows of Python modules count. Start scripts contain the path of the environment in
their first line, byte code is created and deleted at run time, and neither contains text that is read.

This project and other editable installs are excluded, because their RECORD does not list the sources. Distributions without a
RECORD, e.g. those of a system's package manager, are excluded too: their revision is unknown.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import BadInput, unknown_name
from pipeline.file_cache import FileCache
from pipeline.sources.base import Pin, PinnedItem

if TYPE_CHECKING:
    from pipeline.recipe.data import Source
    from pipeline.settings import Settings

THIS_PROJECT = "trainshed"


class Distribution(NamedTuple):
    """One installed distribution."""

    name: str
    """Normalised name (PEP 503), e.g. ``"scikit-learn"``."""

    version: str
    site: Path
    """Its site-packages folder."""

    info: str
    """Name of its ``.dist-info`` folder."""

    def record(self) -> bytes:
        """Its RECORD, as it is on disk now."""
        return (self.site / self.info / "RECORD").read_bytes()


class PythonFile(NamedTuple):
    """A row of RECORD: one Python module."""

    path: str
    """Relative to site-packages, with forward slashes."""

    sha256: bytes
    """Digest of its bytes as they were packaged."""

    size: int
    """Length in bytes."""


def pin(source: Source, settings: Settings) -> Pin:
    """Pin the packages named in ``source``, or all that are installed.

    Raises:
        BadInput: a named package is not installed (the near name is suggested), or no package has modules.
    """
    found = installed()
    wanted = sorted({normalise(name) for name in source.packages}) or sorted(found)
    for name in wanted:
        if name not in found:
            raise unknown_name("package in data.source.packages:", name, found)
    file_cache = FileCache(settings.file_cache_path("records"))
    items = [_pinned(found[name], file_cache) for name in wanted]
    file_cache.save()
    kept = tuple(item for item in items if item.size)
    if not kept:
        raise BadInput("no installed package holds Python modules", "", "install one, or use another source")
    return Pin(kind=source.kind, items=kept)


def installed(folders: tuple[Path, ...] | None = None) -> dict[str, Distribution]:
    """Distributions that can be read, by normalised name.

    Args:
        folders: site-packages folders, an earlier one wins; by default those of the running interpreter.
    """
    paths = folders or tuple(dict.fromkeys(Path(sysconfig.get_path(key)) for key in ("purelib", "platlib")))
    found: dict[str, Distribution] = {}
    for site in paths:
        for place in sorted(site.glob("*.dist-info")):
            name, _, version = place.name.removesuffix(".dist-info").partition("-")
            distribution = Distribution(normalise(name), version, site, place.name)
            if distribution.name != THIS_PROJECT and (place / "RECORD").is_file() and not _editable(place):
                found.setdefault(distribution.name, distribution)
    return found


def revision(distribution: Distribution, record: bytes) -> str:
    """What identifies the modules of a distribution: ``record:<version>:<sha256 of its rows>``."""
    rows = b"\n".join(sorted(_rows(record)))
    return f"record:{distribution.version}:{hashlib.sha256(rows).hexdigest()}"


def python_files(record: bytes) -> list[PythonFile]:
    """The modules that a RECORD lists, sorted by path."""
    return sorted(_parsed(row) for row in _rows(record))


def normalise(name: str) -> str:
    """Name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _pinned(distribution: Distribution, file_cache: FileCache) -> PinnedItem:
    def read(_path: Path) -> list[Any]:
        record = distribution.record()
        return [revision(distribution, record), sum(int(row.rpartition(b",")[2] or 0) for row in _rows(record))]

    known, size = file_cache.get(distribution.site / distribution.info / "RECORD", "modules", read)
    return PinnedItem(name=distribution.name, revision=known, size=size)


def _rows(record: bytes) -> list[bytes]:
    """Rows of modules inside site-packages that have a digest."""
    return [row for row in record.splitlines() if b".py,sha256=" in row and not row.startswith((b"..", b"/"))]


def _parsed(row: bytes) -> PythonFile:
    """Split ``path,sha256=<urlsafe base64 without padding>,size``; only the path may hold a comma."""
    path, digest, size = row.rsplit(b",", 2)
    return PythonFile(path.decode(), base64.urlsafe_b64decode(digest.removeprefix(b"sha256=") + b"="), int(size or 0))


def _editable(place: Path) -> bool:
    """Whether a distribution was installed in editable mode (PEP 610)."""
    origin = place / "direct_url.json"
    return origin.is_file() and bool(json.loads(origin.read_bytes()).get("dir_info", {}).get("editable"))
