"""Source ``pydocs``: the Python packages installed for the running interpreter, at the revision in their RECORD.

A wheel's RECORD holds the sha256 of every file it installed, so reading some hundred small files pins hundreds of megabytes
of source (0.1 s for 250 distributions). Only rows of files that are read count: here those of Python modules. Start scripts contain
the path of the environment in their first line, byte code is created and deleted at run time, and neither contains text that is read.

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

from pipeline.errors import BadInput, SourceChanged, unknown_name
from pipeline.file_cache import FileCache
from pipeline.sources.base import Pin, PinnedItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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


class PackagedFile(NamedTuple):
    """A row of RECORD: one file that a wheel installed."""

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
    file_cache = FileCache(settings.file_cache_path("records"))
    items = [_pinned(distribution, file_cache) for distribution in chosen(source.packages)]
    file_cache.save()
    kept = tuple(item for item in items if item.size)
    if not kept:
        raise BadInput("no installed package holds Python modules", "", "install one, or use another source")
    return Pin(kind=source.kind, items=kept)


def chosen(packages: Sequence[str]) -> list[Distribution]:
    """The named distributions, or all that are installed; sorted by name.

    Raises:
        BadInput: a named package is not installed; the near name is suggested.
    """
    found = installed()
    wanted = sorted({normalise(name) for name in packages}) or sorted(found)
    for name in wanted:
        if name not in found:
            raise unknown_name("package in data.source.packages:", name, found)
    return [found[name] for name in wanted]


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


def revision(version: str, files: Iterable[PackagedFile]) -> str:
    """What identifies files of a distribution: ``record:<version>:<sha256 of their rows>``."""
    rows = b"\n".join(sorted(map(_row, files)))
    return f"record:{version}:{hashlib.sha256(rows).hexdigest()}"


def python_files(record: bytes) -> list[PackagedFile]:
    """The modules that a RECORD lists, sorted by path."""
    return files_of(record, (b".py",))


def files_of(record: bytes, endings: Sequence[bytes]) -> list[PackagedFile]:
    """The files inside site-packages that a RECORD lists with a digest, sorted by path.

    Args:
        record: content of RECORD.
        endings: how their names end, in lower case.
    """
    marks = [ending + b",sha256=" for ending in endings]
    rows = [row for row in record.splitlines() if any(mark in row.lower() for mark in marks) and not row.startswith((b"..", b"/"))]
    return sorted(map(_parsed, rows))


def at_revision(item: PinnedItem, found: Mapping[str, Distribution], read: Callable[[bytes], list[PackagedFile]]) -> list[PackagedFile]:
    """The files of a pinned distribution.

    Args:
        item: the pinned distribution.
        found: what is installed now.
        read: RECORD → the files that the pin counted.

    Raises:
        SourceChanged: it is no longer installed at its pinned revision.
    """
    distribution = found.get(item.name)
    files = read(distribution.record()) if distribution else []
    if distribution is None or revision(distribution.version, files) != item.revision:
        raise SourceChanged(
            f"package {item.name} changed since it was planned", "the planned version", "install it, or run the recipe again"
        )
    return files


def normalise(name: str) -> str:
    """Name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _pinned(distribution: Distribution, file_cache: FileCache) -> PinnedItem:
    def read(_path: Path) -> list[Any]:
        files = python_files(distribution.record())
        return [revision(distribution.version, files), sum(file.size for file in files)]

    known, size = file_cache.get(distribution.site / distribution.info / "RECORD", "modules", read)
    return PinnedItem(name=distribution.name, revision=known, size=size)


def _row(file: PackagedFile) -> bytes:
    """The row as RECORD has it."""
    return b"%b,sha256=%b,%d" % (file.path.encode(), base64.urlsafe_b64encode(file.sha256).rstrip(b"="), file.size)


def _parsed(row: bytes) -> PackagedFile:
    """Split ``path,sha256=<urlsafe base64 without padding>,size``; only the path may hold a comma."""
    path, digest, size = row.rsplit(b",", 2)
    return PackagedFile(path.decode(), base64.urlsafe_b64decode(digest.removeprefix(b"sha256=") + b"="), int(size or 0))


def _editable(place: Path) -> bool:
    """Whether a distribution was installed in editable mode (PEP 610)."""
    origin = place / "direct_url.json"
    return origin.is_file() and bool(json.loads(origin.read_bytes()).get("dir_info", {}).get("editable"))
