"""The recipe's ``task`` section of chat."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.lookup import Table
from pipeline.tasks.section import WrittenAnswer

PARTS = Table("part of task chat", None, {"examples": "pipeline.tasks.chat.examples:Examples"})


class Chat(WrittenAnswer):
    """Write the last message of each conversation, given those before it."""

    kind: Literal["chat"]

    system: str | None = None
    """A system message for conversations that have none."""

    max_source_tokens: int = Field(512, ge=8)
    """Longest conversation before the answer, in tokens; the rest is cut."""

    max_target_tokens: int = Field(256, ge=4)
    """Longest answer, in tokens, its end token included; the rest is cut."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS
