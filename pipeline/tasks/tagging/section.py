"""The recipe's ``task`` section of tagging."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.lookup import Table
from pipeline.tasks.section import TaskSection

PARTS = Table("part of task tagging", None, {"examples": "pipeline.tasks.tagging.examples:Examples"})


class Tagging(TaskSection):
    """Give each token of a text its tag; the text is a list of tokens and the target a list of as many tags."""

    kind: Literal["tagging"]

    labels: tuple[str, ...] | None = None
    """The tags, in the order of their ids. None: the tags of the train split, sorted."""

    max_tokens: int = Field(128, ge=8)
    """Longest input, in tokens of the tokenizer, special tokens included; the rest is cut."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS
