"""C4's rules for lines: keep those that look like sentences.

Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", section 2.2; the phrases of
policies are those of its code (tensorflow_datasets, ``c4_utils.py``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import ChangeBlock, Changed, Changer

if TYPE_CHECKING:
    from pathlib import Path

ENDS = (".", "?", "!", '"', "”", "。", "？", "！")  # noqa: RUF001 - the marks of other scripts
"""C4's terminal punctuation marks, and those of Chinese and Japanese."""

ELLIPSES = ("...", "…")

PHRASES = ("javascript", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
CITATIONS = re.compile(r"\[(?:\d+|edit|citation needed)\]")


class C4Lines(ChangeBlock):
    """Remove lines without terminal punctuation, with few words, on JavaScript, cookies or policies; and citation marks of Wikipedia."""

    kind: Literal["c4_lines"]

    min_words: int | None = Field(5, ge=1)
    """Lines with fewer words are removed; C4: 5. null: no rule. Texts of languages without blanks need null."""

    terminal: bool = True
    """Whether lines must end in terminal punctuation, and not in an ellipsis."""

    policies: bool = True
    """Whether lines on JavaScript, cookies and policies are removed."""

    citations: bool = True
    """Whether marks such as ``[3]`` and ``[citation needed]`` are removed."""

    served: ClassVar[bool] = True
    prose_only: ClassVar[bool] = True

    def start(self, home: Path) -> Changer:  # noqa: ARG002 - a Block's signature
        """Nothing to load."""
        return _Changer(self)


class _Changer:
    def __init__(self, section: C4Lines) -> None:
        self.section = section

    def change(self, text: str) -> Changed:
        """The text without these lines."""
        if self.section.citations and "[" in text:
            text = CITATIONS.sub("", text)
        lines = text.split("\n")
        kept = [line for line in lines if not line or self._keeps(line)]
        # most texts name no policy, as one look at what is left of the whole shows
        if self.section.policies and _names_policy("\n".join(kept)):
            kept = [line for line in kept if not _names_policy(line)]
        if len(kept) == len(lines):
            return Changed(text)
        return Changed(re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(), {"c4_lines": len(lines) - len(kept)})

    def _keeps(self, line: str) -> bool:
        rules = self.section
        if rules.terminal and (not line.endswith(ENDS) or line.endswith(ELLIPSES)):
            return False
        return not rules.min_words or len(line.split()) >= rules.min_words


def _names_policy(text: str) -> bool:
    folded = text.lower()
    return any(phrase in folded for phrase in PHRASES)
