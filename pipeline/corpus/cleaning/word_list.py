"""Words that a recipe lists, or a file that it pins."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

FIX = "correct the path, or set sha256 to what sha256sum prints"


def list_problem(words: tuple[str, ...] | None, file: str | None, sha256: str | None) -> tuple[str, str, str] | None:
    """What is wrong with the three fields of a section: what was found, what is expected, how to fix it."""
    if (words is None) == (file is None):
        got = "words and file" if file else "neither words nor file"
        return got, "a list of words, or a file with a word in each line", "keep one of them"
    if (file is None) != (sha256 is None):
        got = "file without sha256" if file else "sha256 without file"
        return got, "both: the content of the file is part of the recipe", "run sha256sum on the file, and add the result"
    if words is not None and not all(word.strip() for word in words):
        return "words has an empty word", "", "remove it"
    return None


def read_list(words: tuple[str, ...] | None, file: str | None, sha256: str | None, home: Path) -> list[str]:
    """The words, casefolded; empty lines of a file and those that begin with ``#`` do not count.

    Args:
        words: those of the recipe.
        file: path of a file, UTF-8.
        sha256: its digest.
        home: folder that a relative path starts from.

    Raises:
        BadInput: the file cannot be read, is not the pinned one, is not UTF-8, or holds no words.
    """
    if file is None:
        return [word.strip().casefold() for word in words or ()]
    path = home / file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"word list {path}: {error.strerror}", "a file with a word in each line", FIX) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise BadInput(f"word list {path} has sha256 {found}", f"{sha256}, which the recipe pins", FIX)
    try:
        lines = [line.strip().casefold() for line in data.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise BadInput(f"word list {path} is not UTF-8", "UTF-8", "convert it") from error
    chosen = [line for line in lines if line and not line.startswith("#")]
    if not chosen:
        raise BadInput(f"word list {path} holds no words", "a word in each line", "correct the path")
    return chosen
