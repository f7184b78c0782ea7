"""Names of files that are not Unicode: Linux allows any bytes in a name, and records are JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

if TYPE_CHECKING:
    from pathlib import PurePath


def shown(path: PurePath) -> str:
    r"""A path as a message and a record show it: with forward slashes, bytes that are not UTF-8 as ``\xe9``."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def quoted(path: PurePath) -> str | None:
    """The bytes of a path in ASCII, as in a URL; None if it is UTF-8 and needs no such form."""
    raw = os.fsencode(path)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return quote_from_bytes(raw)
    return None


def unquoted(text: str) -> Path:
    """The path whose bytes `quoted` gave."""
    return Path(os.fsdecode(unquote_to_bytes(text)))
