"""Cleans texts by the rule of a corpus: repairs, normalisation, changes. Ingestion and served models use it alike.

Every registered model ships this module. It filters nothing: a request is always answered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.corpus.cleaning import BLOCKS
from pipeline.corpus.normalise import clean_line, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.corpus.cleaning.base import Block, Changed, Changer


class Step(NamedTuple):
    """A started block that changes texts."""

    block: Block
    changer: Changer


class TextCleaner:
    """Applies the repairs and changes of a corpus to texts, answers, names and tokens."""

    def __init__(
        self,
        whitespace: str = "auto",
        blocks: Iterable[Block] = (),
        *,
        prose: bool = True,
        home: Path = Path(),
        model: Path | None = None,
    ) -> None:
        """Start the blocks.

        Args:
            whitespace: the recipe's ``data.filter.whitespace``.
            blocks: those of ``data.cleaning`` that repair or change, in their order.
            prose: what ``whitespace: auto`` goes by: ``collapse`` for prose, else ``keep``. The task says it.
            home: folder that relative paths start from.
            model: folder of the model that a block runs.
        """
        self.keep_whitespace = whitespace == "keep" or (whitespace == "auto" and not prose)
        steps: list[Step] = [Step(block, block.start_with(home, model)) for block in blocks]  # type: ignore[arg-type]  # not one of them filters
        self.repairs = [step for step in steps if step.block.stage == "repair"]
        self.changes = [step for step in steps if step.block.stage == "change"]
        self.everywhere = [step for step in self.changes if step.block.everywhere]

    @classmethod
    def from_json(cls, cleaning: Mapping[str, Any], *, prose: bool) -> TextCleaner:
        """The cleaner of requests to a model.

        Args:
            cleaning: what the corpus's ``cleaning.json`` holds.
            prose: as of the constructor.
        """
        blocks = [BLOCKS.load(row["kind"]).model_validate(row) for row in cleaning.get("blocks", ())]
        return cls(cleaning["whitespace"], blocks, prose=prose)

    def text(self, text: str) -> str:
        """A text of the input."""
        return self._apply(self.changes, clean_text(self._apply(self.repairs, text), keep_whitespace=self.keep_whitespace))

    def answer(self, text: str) -> str:
        """A written answer: on one line, unless the corpus keeps whitespace."""
        text = self._apply(self.repairs, text)
        return self._apply(self.everywhere, clean_text(text, keep_whitespace=True) if self.keep_whitespace else clean_line(text))

    def line(self, text: str) -> str:
        """A name or a group, on one line."""
        return self._apply(self.everywhere, clean_line(self._apply(self.repairs, text)))

    def tokens(self, tokens: Sequence[str]) -> list[str]:
        """Tokens that have a tag each: as many come back."""
        found = [clean_line(self._apply(self.repairs, token)) for token in tokens]
        for step in self.everywhere:
            together: Callable[[Sequence[str]], tuple[list[str], Mapping[str, int]]] | None = getattr(step.changer, "change_tokens", None)
            if together is None:
                found = [self._apply([step], token) for token in found]
                continue
            before = found
            found, counts = together(before)
            if found != before:
                self.note(step.block, " ".join(before), " ".join(found), counts)
        return found

    def note(self, block: Block, before: str, after: str, counts: Mapping[str, int]) -> None:
        """Take note of a change; requests are not counted."""

    def _apply(self, steps: Sequence[Step], text: str) -> str:
        for step in steps:
            found: Changed = step.changer.change(text)
            if found.text != text:
                self.note(step.block, text, found.text, found.counts)
                text = found.text
        return text
