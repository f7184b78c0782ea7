"""Keeps texts that are written in some scripts: the share of their letters among all letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict

if TYPE_CHECKING:
    from pathlib import Path


class Scripts(FilterBlock):
    """Filter texts of whose letters too few belong to these scripts; counted as ``filtered_script``."""

    kind: Literal["scripts"]

    keep: tuple[str, ...] = Field(min_length=1)
    """Names of Unicode scripts, e.g. ``[Latin, Cyrillic]``; Japanese is ``[Han, Hiragana, Katakana]``."""

    min_share: float = Field(0.8, gt=0, le=1)
    """Smallest share of letters of these scripts; combining marks do not count."""

    def problem(self) -> tuple[str, str, str] | None:
        """A name that is no script."""
        import regex

        for name in self.keep:
            try:
                regex.compile(rf"\p{{Script={name}}}")
            except regex.error:
                return f"keep names the script {name!r}", "a script of Unicode, e.g. Latin, Cyrillic, Han or Arabic", "correct keep"
        return None

    def start(self, home: Path) -> Judge:  # noqa: ARG002 - a Block's signature
        """Compile the patterns."""
        return _Judge(self)


class _Judge:
    def __init__(self, section: Scripts) -> None:
        import regex

        wanted = "".join(rf"\p{{Script={name}}}" for name in section.keep)
        self.section, self.latin = section, "latin" in {name.lower() for name in section.keep}
        self.letters, self.wanted = regex.compile(r"\p{L}+"), regex.compile(rf"[[{wanted}]&&\p{{L}}]+", regex.VERSION1)

    def judge(self, found: Candidate) -> Verdict:
        """Compare the letters of these scripts with all letters."""
        text = found.text
        if text.isascii():
            return Verdict(None if self.latin or not self.letters.search(text) else "script")
        letters = sum(map(len, self.letters.findall(text)))
        wanted = sum(map(len, self.wanted.findall(text)))
        return Verdict("script" if wanted < self.section.min_share * letters else None)
