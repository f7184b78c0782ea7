"""Filters texts of whose words too many are not in a vocabulary: wrong OCR, other languages, keyboard noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict
from pipeline.corpus.cleaning.word_list import list_problem, read_list

if TYPE_CHECKING:
    from pathlib import Path


class Vocabulary(FilterBlock):
    """Filter texts with too many words outside a list; words with digits do not count. Counted as ``filtered_vocabulary``."""

    kind: Literal["vocabulary"]

    words: tuple[str, ...] | None = Field(None, min_length=1)
    """The words, for a short list."""

    file: str | None = None
    """A file with a word in each line, for a long one. A relative path starts at the checkout."""

    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """Its digest: another file is another recipe."""

    max_outside: float = Field(0.3, ge=0, lt=1)
    """Largest share of words that the list does not have."""

    def problem(self) -> tuple[str, str, str] | None:
        """No list, or two."""
        return list_problem(self.words, self.file, self.sha256)

    def check_files(self, home: Path) -> None:
        """Read the list."""
        read_list(self.words, self.file, self.sha256, home)

    def start(self, home: Path) -> Judge:
        """Read the list."""
        return _Judge(read_list(self.words, self.file, self.sha256, home), self.max_outside)


class _Judge:
    def __init__(self, words: list[str], most: float) -> None:
        import regex

        self.words, self.most = frozenset(words), most
        self.word = regex.compile(r"(?<![\w\p{M}])[\p{L}\p{M}]+(?:['\u2019][\p{L}\p{M}]+)?(?![\w\p{M}])")

    def judge(self, found: Candidate) -> Verdict:
        """Count the words outside; a text without words has none."""
        words = self.word.findall(found.text.casefold().replace("\u2019", "'"))
        outside = len(words) - sum(map(self.words.__contains__, words))
        return Verdict("vocabulary" if outside > self.most * len(words) else None)
