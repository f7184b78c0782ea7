"""The recipe's ``task`` section of chat."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.families.kinds import Kind
from pipeline.lookup import Table
from pipeline.tasks.section import WrittenAnswer

PARTS = Table(
    "part of task chat",
    None,
    {
        "examples": "pipeline.tasks.chat.examples:Examples",
        "encode": "pipeline.tasks.chat.encode:Encode",
        "model": "pipeline.tasks.chat.model:ChatModel",
        "scoring": "pipeline.tasks.chat.scoring:make_scoring",
        "serving": "pipeline.tasks.chat.serving:Serving",
    },
)


class Chat(WrittenAnswer):
    """Write the last message of each conversation, given those before it; training learns every answer of a conversation."""

    kind: Literal["chat"]

    system: str | None = None
    """A system message for conversations that have none."""

    template: str | None = None
    """A chat template in Jinja; without one, the base's own, or a plain one for a tokenizer that has none."""

    max_source_tokens: int = Field(512, ge=8)
    """Longest conversation before the answer, in tokens; the oldest messages are dropped."""

    max_target_tokens: int = Field(256, ge=4)
    """Longest answer, in tokens, its end token included; a conversation with a longer last answer is skipped in training."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS

    def kinds(self) -> tuple[Kind, ...]:
        """A conversation is one sequence: decoders."""
        return (Kind.DECODER,)

    def longest(self, kind: Kind) -> int:  # noqa: ARG002 - of one kind only
        """The limits of the recipe: the template's own tokens count in them."""
        return self.max_source_tokens + self.max_target_tokens

    @property
    def exact(self) -> bool:
        """Answers have lines, code and tables."""
        return True

    @property
    def prose(self) -> bool:
        """Messages keep their lines: they hold code and tables."""
        return False
