"""``infra/images/<name>.txt``: the packages of an image, as a part of ``requirements.lock``.

``<name>.in`` lists what the code in the image imports directly. The packages that those need are read from the metadata of this
environment, which is installed from the lock, and the lines of the lock are copied with their hashes. So an image never holds
another version than the tested one. Only torch is excluded: each image installs a chosen build of it (CPU, CUDA), at the version
of the lock.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HEADER = "# Generated from {name}.in and requirements.lock by `make docs`.\n"
EXCLUDED = frozenset({"torch"})
PIN = re.compile(r"^([A-Za-z0-9._-]+)==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+", re.MULTILINE)


def image_requirements(home: Path) -> dict[Path, str]:
    """The path and text of each image's requirement file.

    Raises:
        BadInput: a package that an image needs is not installed, or not in the lock.
    """
    pins = {str(canonicalize_name(found[1])): found[0] for found in PIN.finditer((home / "requirements.lock").read_text())}
    wanted = sorted((home / "infra" / "images").glob("*.in"))
    return {path.with_suffix(".txt"): HEADER.format(name=path.stem) + "".join(_lines(path, pins)) for path in wanted}


def _lines(path: Path, pins: dict[str, str]) -> Iterable[str]:
    roots = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    for name in sorted(_closure(roots) - EXCLUDED):
        if name not in pins:
            raise BadInput(f"{path.name} needs {name}, which requirements.lock does not pin", "", "run make lock")
        yield pins[name]


def _closure(roots: Iterable[str]) -> set[str]:
    """Canonical names of the distributions that ``roots`` need here, themselves included."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        wanted = waiting.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        waiting += [one for one in _needs(wanted) if _applies(one, wanted.extras)]
    return {name for name, _ in seen}


def _needs(wanted: Requirement) -> list[Requirement]:
    try:
        return [Requirement(text) for text in distribution(wanted.name).requires or ()]
    except PackageNotFoundError as error:
        raise BadInput(
            f"{wanted.name} is not installed", "an environment from requirements.lock", "run make docs, which sets it up"
        ) from error


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    """Whether a requirement applies in this environment with these extras."""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))
