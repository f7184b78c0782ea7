"""Gopher's quality rules: texts whose words, symbols and lines are unlike prose.

Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", section A.1.1. The thresholds are its own.
A rule is switched off by null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict

if TYPE_CHECKING:
    from pathlib import Path

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's; English."""

BULLETS = ("•", "‣", "▶", "◀", "◦", "■", "□", "▪", "▫", "–", "-", "*")  # noqa: RUF001 - marks that look like others
ELLIPSES = ("...", "…")
NO_LETTER = bytes(code for code in range(128) if not chr(code).isalpha() and not chr(code).isspace())


class Gopher(FilterBlock):
    """Filter by the number and length of words, symbols, bullets, ellipses, words without letters, and stop words."""

    kind: Literal["gopher"]

    min_words: int | None = Field(50, ge=1)
    """``gopher_few_words``: fewer words."""

    max_words: int | None = Field(100_000, ge=1)
    """``gopher_many_words``: more words."""

    min_word_chars: float | None = Field(3, gt=0)
    """``gopher_short_words``: a smaller mean length of words."""

    max_word_chars: float | None = Field(10, gt=0)
    """``gopher_long_words``: a larger mean length of words."""

    max_symbols: float | None = Field(0.1, ge=0)
    """``gopher_symbols``: more ``#``, or more ellipses, for each word."""

    max_bullets: float | None = Field(0.9, ge=0, le=1)
    """``gopher_bullets``: a larger share of lines that begin with a bullet."""

    max_ellipses: float | None = Field(0.3, ge=0, le=1)
    """``gopher_ellipses``: a larger share of lines that end in an ellipsis."""

    min_letter_words: float | None = Field(0.8, ge=0, le=1)
    """``gopher_letters``: a smaller share of words with a letter."""

    min_stop_words: int | None = Field(2, ge=1)
    """``gopher_stop_words``: fewer different words of ``stop_words``."""

    stop_words: tuple[str, ...] = Field(STOP_WORDS, min_length=1)
    """In small letters. Gopher's are English; other languages need their own, or ``min_stop_words: null``."""

    def problem(self) -> tuple[str, str, str] | None:
        """Limits that leave nothing."""
        for low, high in (("min_words", "max_words"), ("min_word_chars", "max_word_chars")):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least > most:
                return f"{low} {least} is above {high} {most}", "", "change one of them"
        if self.min_stop_words is not None and self.min_stop_words > len(set(self.stop_words)):
            return f"min_stop_words {self.min_stop_words} of {len(set(self.stop_words))} stop_words", "", "lower min_stop_words"
        return None

    def start(self, home: Path) -> Judge:  # noqa: ARG002 - a Block's signature
        """Nothing to load."""
        return _Judge(self)


class _Judge:
    def __init__(self, section: Gopher) -> None:
        import regex

        self.rules, self.stop_words = section, frozenset(section.stop_words)
        self.no_letter = regex.compile(r"[^\p{L}\s]+")

    def judge(self, found: Candidate) -> Verdict:
        """The first rule that fails."""
        words = found.text.split()
        return Verdict(
            self._words(words) or self._symbols(found.text, len(words)) or self._lines(found.text) or self._kinds(found.text, words)
        )

    def _words(self, words: list[str]) -> str | None:
        rules, count = self.rules, len(words)
        if not count or (rules.min_words is not None and count < rules.min_words):
            return "gopher_few_words"
        if rules.max_words is not None and count > rules.max_words:
            return "gopher_many_words"
        mean = sum(map(len, words)) / count
        if rules.min_word_chars is not None and mean < rules.min_word_chars:
            return "gopher_short_words"
        return "gopher_long_words" if rules.max_word_chars is not None and mean > rules.max_word_chars else None

    def _symbols(self, text: str, words: int) -> str | None:
        if self.rules.max_symbols is None:
            return None
        most = self.rules.max_symbols * words
        ellipses = sum(map(text.count, ELLIPSES))
        return "gopher_symbols" if text.count("#") > most or ellipses > most else None

    def _lines(self, text: str) -> str | None:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        bullets, ellipses = self.rules.max_bullets, self.rules.max_ellipses
        if bullets is not None and sum(line.startswith(BULLETS) for line in lines) > bullets * len(lines):
            return "gopher_bullets"
        return (
            "gopher_ellipses" if ellipses is not None and sum(line.endswith(ELLIPSES) for line in lines) > ellipses * len(lines) else None
        )

    def _kinds(self, text: str, words: list[str]) -> str | None:
        rules = self.rules
        if rules.min_letter_words is not None:
            # what remains of a word without letters is nothing, so the words that are left have one
            left = text.encode().translate(None, NO_LETTER) if text.isascii() else self.no_letter.sub("", text)
            if len(left.split()) < rules.min_letter_words * len(words):
                return "gopher_letters"
        if rules.min_stop_words is not None and len(self.stop_words.intersection(text.lower().split())) < rules.min_stop_words:
            return "gopher_stop_words"
        return None
