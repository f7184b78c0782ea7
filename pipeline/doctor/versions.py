"""Versions: Python and the result-bearing libraries, as installed, compared with the versions that the checkout was tested with.

Another version of a result-bearing library is no error, but it changes fingerprints: every step that uses it runs again.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import metadata, requires
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from components import COMPONENTS
from pipeline.doctor.base import Finding
from pipeline.doctor.installed_versions import installed
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.settings import Settings

LOCK = "requirements.lock"
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;\\]+)")


def check_versions(settings: Settings) -> Iterator[Finding]:
    """Compare what is installed with what was pinned."""
    here, wanted = ".".join(map(str, sys.version_info[:3])), metadata("trainshed")["Requires-Python"] or ""
    if here not in SpecifierSet(wanted):
        raise BadInput(f"Python {here}", f"Python {wanted}", "create the environment with it: `make PYTHON=... demo`")
    lock = settings.home / LOCK
    # torch is in no lock file, because the right build differs between machines; the project file pins its version
    pinned = pins(requires("trainshed") or []) | pins(lock.read_text().splitlines() if lock.is_file() else [])
    libraries = sorted({name for stage in COMPONENTS for name in COMPONENTS.load(stage).libraries})
    real = [finding for name in libraries if (finding := _compare(name, pinned.get(plain(name))))]
    source = LOCK if lock.is_file() else "the package's own pins"
    yield from real or [Finding("ok", f"Python {here}; {len(libraries)} result-bearing libraries as in {source}")]


def _compare(name: str, wanted: str | None) -> Finding | None:
    here = installed(name)
    fix = f"install {name}=={wanted}" if wanted else f"install {name}"
    if here is None:
        return Finding("error", f"library {name} is not installed", "", fix)
    if wanted in {None, here}:
        return None
    return Finding("warning", f"{name} {here}", f"{name} {wanted}, or every step that uses it runs again", fix)


def pins(lines: Iterable[str]) -> dict[str, str]:
    """Exact versions by plain name, from requirements in a file or in a package's metadata."""
    found = [match for line in lines if (match := PIN.match(line))]
    return {plain(match[1]): match[2].partition("+")[0] for match in found}


def plain(name: str) -> str:
    """A distribution's name as packaging compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
