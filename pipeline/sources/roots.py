"""Which files and S3 prefixes a source may be read from.

A corpus is read by a process of the worker and ends up in the store, where many people read it. So a source must not name the
worker's keys, by mistake or on purpose. `TRAINSHED_SOURCE_ROOTS` lists the folders and ``s3://`` prefixes that are allowed. Without
it every place is allowed but those that hold no data: hidden files and folders (``~/.ssh``, ``.git``), the state folder with the
stack's keys, and the folders of the operating system.
"""

from __future__ import annotations

from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.settings import Settings

S3 = "s3://"
SCHEMES = ("http://", "https://")
FIELD = "data.source.path"
SYSTEM = tuple(Path(folder) for folder in ("/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/var/run"))


def is_web(address: str) -> bool:
    """Whether an address is one of the web."""
    return address.lower().startswith(SCHEMES)


def check_address(address: str, settings: Settings, field: str = FIELD) -> None:
    """Check an address of a recipe before anything is read.

    Args:
        address: a path, a glob or an ``s3://`` prefix; a relative path starts at the checkout.
        settings: allowed roots, checkout and state folder.
        field: the field of the recipe, for messages.

    Raises:
        BadInput: it is outside the allowed roots.
    """
    if is_web(address):
        return  # `pipeline.sources.web` checks it and each of its redirects
    if not address.startswith(S3):
        check_file(fixed_part(settings.home / Path(address).expanduser()), settings, field)
        return
    roots = [root.rstrip("/") + "/" for root in settings.source_roots if root.startswith(S3)]
    if settings.source_roots and not any(f"{address.rstrip('/')}/".startswith(root) for root in roots):
        raise _outside(address, settings, field)


def check_file(path: Path, settings: Settings, field: str = FIELD) -> None:
    """Check a file or folder where it really is: a link must not lead out of the allowed roots.

    Raises:
        BadInput: it is outside the allowed roots.
    """
    real = path.resolve()
    if real.is_relative_to(settings.state.resolve()):
        raise BadInput(f"{field}: {path} is in the state folder, with the keys of the stack", "", "copy the data to another folder")
    if settings.source_roots:
        roots = [
            (settings.home / Path(root).expanduser()).resolve() for root in settings.source_roots if not root.startswith((S3, *SCHEMES))
        ]
        allowed = any(real.is_relative_to(root) for root in roots)
    else:
        hidden = any(part.startswith(".") for part in real.parts)
        allowed = not hidden and not any(real.is_relative_to(folder) for folder in SYSTEM)
    if not allowed:
        raise _outside(str(path), settings, field)


def fixed_part(pattern: Path) -> Path:
    """The folder below which a glob looks; a path without wildcards is its own."""
    parts = pattern.parts
    magic = next((index for index, part in enumerate(parts) if has_magic(part)), len(parts))
    return Path(*parts[:magic])


def _outside(address: str, settings: Settings, field: str) -> BadInput:
    expected = "no hidden or system folder" if not settings.source_roots else f"a place in {', '.join(settings.source_roots)}"
    return BadInput(
        f"{field}: sources may not be read from {address}", expected, "move the data, or set TRAINSHED_SOURCE_ROOTS to allow it"
    )
