"""C4's rules for whole texts.

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", section 2.2. Its list of words
that nobody wants is a `blocklist`; its rules for lines are `c4_lines`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict

if TYPE_CHECKING:
    from pathlib import Path

SENTENCE_ENDS = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s|$)|[。！？]")  # noqa: RUF001 - the marks of other scripts
"""C4 asks NLTK's punkt; counting the ends of sentences differs only after abbreviations."""


class C4(FilterBlock):
    """Filter texts with few sentences, with filler text, and with curly braces, i.e. code."""

    kind: Literal["c4"]

    min_sentences: int | None = Field(3, ge=1)
    """``c4_few_sentences``: fewer sentences; C4: 3. null: no rule."""

    filler: bool = True
    """``c4_lorem_ipsum``: the text has the words lorem ipsum."""

    braces: bool = True
    """``c4_braces``: the text has a ``{``."""

    def start(self, home: Path) -> Judge:  # noqa: ARG002 - a Block's signature
        """Nothing to load."""
        return _Judge(self)


class _Judge:
    def __init__(self, section: C4) -> None:
        self.section = section

    def judge(self, found: Candidate) -> Verdict:
        """The first rule that fails."""
        rules, text = self.section, found.text
        if rules.braces and "{" in text:
            return Verdict("c4_braces")
        if rules.filler and "lorem ipsum" in text.lower():
            return Verdict("c4_lorem_ipsum")
        if rules.min_sentences is not None and len(SENTENCE_ENDS.findall(text)) < rules.min_sentences:
            return Verdict("c4_few_sentences")
        return Verdict()
