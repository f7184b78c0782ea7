"""Removes lines that belong to a page and not to its text: navigation, cookie notices, sharing, copyright, page numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from pipeline.corpus.cleaning.base import ChangeBlock, Changed, Changer

if TYPE_CHECKING:
    from pathlib import Path

PATTERNS = (
    r"skip to (?:main )?(?:content|navigation).*",
    r"(?:share|follow us|tweet|like us) (?:this|on|via)\b.*",
    r"(?:sign|log) ?(?:in|up|out|on)(?: (?:or|/) (?:sign|log|register) ?(?:in|up)?)?(?: (?:to|with|for) .*)?",
    r"(?:subscribe|sign up) (?:to|for) (?:our|the|this) .*",
    r"(?:read|show|view|see|load) (?:more|less|all)(?: .{0,30})?",
    r"(?:click|tap) (?:here|below|to) .*",
    r"(?:previous|next|back|home|menu|search|print|close|top|back to top|table of contents)",
    r"(?:all rights reserved|copyright (?:©|\(c\)|\d{4})|(?:©|\(c\)) ?\d{4}).*",
    r".*\b(?:we|this (?:web)?site|our partners) uses? cookies\b.*",
    r"(?:accept|reject|manage|allow) (?:all )?cookies.*",
    r"(?:privacy policy|terms (?:of|and) (?:use|service|conditions)|cookie policy|imprint|impressum|datenschutz(?:erklärung)?)(?: [|·•] .*)?",
    r".*\b(?:enable javascript|javascript (?:is|must be) (?:disabled|enabled|required))\b.*",
    r"page \d+(?: (?:of|/) \d+)?|seite \d+(?: von \d+)?|- ?\d+ ?-",
    r"advertisement|sponsored(?: content| links)?|anzeige|werbung",
)
"""What a whole line must match, in any case."""

MAX_LINE_CHARS = 200
"""Longer lines are text."""

GAPS = re.compile(r"\n{3,}")


class Boilerplate(ChangeBlock):
    """Remove lines that match a pattern of boilerplate as a whole."""

    kind: Literal["boilerplate"]

    lines: tuple[str, ...] | None = None
    """More patterns: regular expressions that match whole lines, in any case."""

    known: bool = True
    """Whether the patterns of this module count too."""

    served: ClassVar[bool] = True
    prose_only: ClassVar[bool] = True

    def problem(self) -> tuple[str, str, str] | None:
        """A pattern that is no regular expression, or none at all."""
        for pattern in self.lines or ():
            try:
                re.compile(pattern)
            except re.error as error:
                return f"lines: {pattern!r}: {error}", "regular expressions", "correct the pattern"
        if not self.lines and not self.known:
            return "known: false without lines", "at least one pattern", "add lines, or remove the block"
        return None

    def start(self, home: Path) -> Changer:  # noqa: ARG002 - a Block's signature
        """Compile the patterns."""
        return _Changer((*(PATTERNS if self.known else ()), *(self.lines or ())))


class _Changer:
    def __init__(self, patterns: tuple[str, ...]) -> None:
        alternatives = "|".join(f"(?:{pattern})" for pattern in patterns)
        # the ends: what links and buttons end with
        self.line = re.compile(rf"^(?=.{{1,{MAX_LINE_CHARS}}}$)[ \t]*(?:{alternatives})[ \t.!»›>]*$\n?", re.IGNORECASE | re.MULTILINE)  # noqa: RUF001

    def change(self, text: str) -> Changed:
        """The text without these lines."""
        found, times = self.line.subn("", text)
        return Changed(GAPS.sub("\n\n", found).strip("\n"), {"boilerplate_lines": times}) if times else Changed(text)
