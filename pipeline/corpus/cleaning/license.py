"""Keeps texts by their license: a field of the record (``data.source.columns.license``), or the marker of SPDX in the text.

Identifiers are those of https://spdx.org/licenses. An expression is read as SPDX defines it (version 2.3, annex D): of ``A OR B`` one has to be allowed, of ``A AND B``
both, and ``WITH`` an exception changes nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARKER = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9 .+():-]{1,200})")
WORD = re.compile(r"[()]|[A-Za-z0-9.+:-]+")


class License(FilterBlock):
    """Filter texts whose license is not allowed, or not known; counted as ``filtered_license``. Counts ``license_unknown``."""

    kind: Literal["license"]

    allow: tuple[str, ...] = Field(min_length=1)
    """SPDX identifiers, e.g. ``[MIT, Apache-2.0]``, in any case. An identifier that ends in ``*`` allows all that begin so, e.g. ``BSD-*``."""

    unknown: Literal["drop", "keep"] = "drop"
    """What happens to texts without a license."""

    def problem(self) -> tuple[str, str, str] | None:
        """An identifier with blanks: an expression, or no identifier."""
        for name in self.allow:
            if not re.fullmatch(r"[A-Za-z0-9.+:-]+\*?|\*", name):
                return f"allow names {name!r}", "identifiers of SPDX, e.g. MIT or Apache-2.0", "correct allow"
        return None

    def start(self, home: Path) -> Judge:  # noqa: ARG002 - a Block's signature
        """Nothing to load."""
        return _Judge(self)


class _Judge:
    def __init__(self, section: License) -> None:
        names = [name.casefold() for name in section.allow]
        self.exact = {name for name in names if not name.endswith("*")}
        self.beginnings = tuple(name.removesuffix("*") for name in names if name.endswith("*"))
        self.unknown: str | None = "license" if section.unknown == "drop" else None

    def judge(self, found: Candidate) -> Verdict:
        """The field decides, or else every marker in the text: a text of two files has both licenses."""
        expressions = [found.license] if found.license else MARKER.findall(found.text)
        if not expressions:
            return Verdict(self.unknown, {"license_unknown": 1})
        return Verdict(None if all(map(self._allows, expressions)) else "license")

    def _allows(self, expression: str) -> bool:
        return _Expression(WORD.findall(expression), self._allows_one).value()

    def _allows_one(self, name: str) -> bool:
        name = name.casefold()
        return name in self.exact or name.startswith(self.beginnings)


class _Expression:
    """Reads an expression from left to right; AND binds closer than OR. What is no expression is not allowed."""

    def __init__(self, words: list[str], allows: Callable[[str], bool]) -> None:
        self.words, self.allows, self.broken = words, allows, False

    def value(self) -> bool:
        """Whether the license is allowed."""
        found = self._any()
        return found and not self.words and not self.broken

    def _any(self) -> bool:
        found = self._all()
        while self._takes("OR"):
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._takes("AND"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self._takes("("):
            found = self._any()
            self.broken |= not self._takes(")")
            return found
        if not self.words or self.words[0] == ")":
            self.broken = True
            return False
        found = self.allows(self.words.pop(0))
        if self._takes("WITH"):
            del self.words[:1]
        return found

    def _takes(self, word: str) -> bool:
        if not self.words or self.words[0].upper() != word:
            return False
        del self.words[0]
        return True
