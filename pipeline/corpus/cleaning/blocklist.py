"""Filters texts that hold words of a list. C4 does so with a list of words that nobody wants; which words these are is the user's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict
from pipeline.corpus.cleaning.word_list import list_problem, read_list

if TYPE_CHECKING:
    from pathlib import Path


class Blocklist(FilterBlock):
    """Filter texts with words or phrases of a list, whole words in any case; counted as ``filtered_blocklist``."""

    kind: Literal["blocklist"]

    words: tuple[str, ...] | None = Field(None, min_length=1)
    """The words and phrases, for a short list."""

    file: str | None = None
    """A file with a word or phrase in each line, for a long one. A relative path starts at the checkout."""

    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """Its digest: another file is another recipe."""

    max_times: int = Field(0, ge=0)
    """How often such words may occur in a text."""

    def problem(self) -> tuple[str, str, str] | None:
        """No list, or two."""
        return list_problem(self.words, self.file, self.sha256)

    def check_files(self, home: Path) -> None:
        """Read the list."""
        read_list(self.words, self.file, self.sha256, home)

    def start(self, home: Path) -> Judge:
        """Read the list."""
        return _Judge(read_list(self.words, self.file, self.sha256, home), self.max_times)


class _Judge:
    def __init__(self, words: list[str], most: int) -> None:
        import regex

        # a named list is a set of its own in `regex`: its length does not matter
        self.pattern = regex.compile(r"(?<![\w\p{M}])\L<words>(?![\w\p{M}])", words=sorted(set(words)))
        self.most = most

    def judge(self, found: Candidate) -> Verdict:
        """Count the words; blanks of any kind separate those of a phrase."""
        text = " ".join(found.text.casefold().split())
        more = any(number > self.most for number, _ in enumerate(self.pattern.finditer(text), 1))
        return Verdict("blocklist" if more else None)
