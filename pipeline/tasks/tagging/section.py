"""The recipe's ``task`` section of tagging."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.families.kinds import Kind
from pipeline.lookup import Table
from pipeline.tasks.section import Labels, TaskSection

PARTS = Table(
    "part of task tagging",
    None,
    {
        "examples": "pipeline.tasks.tagging.examples:Examples",
        "encode": "pipeline.tasks.tagging.encode:Encode",
        "model": "pipeline.tasks.tagging.model:Tagger",
        "scoring": "pipeline.tasks.tagging.scoring:make_scoring",
        "serving": "pipeline.tasks.tagging.serving:Serving",
    },
)


class Tagging(TaskSection):
    """Give each token of a text its tag; the text is a list of tokens and the target a list of as many tags."""

    kind: Literal["tagging"]

    labels: Labels | None = None
    """The tags, in the order of their ids. None: the tags of the train split, sorted."""

    spans: bool = True
    """Whether the tags are spans in IOB2 (``B-X``, ``I-X``, ``O``), scored by span F1; otherwise each token counts alone."""

    max_tokens: int = Field(128, ge=8)
    """Longest input, in tokens of the tokenizer, special tokens included; the rest is cut."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS

    @property
    def needs_target(self) -> bool:
        """Tags are learned from tags."""
        return True

    def kinds(self) -> tuple[Kind, ...]:
        """All that read a text as one sequence."""
        return (Kind.ENCODER, Kind.DECODER)

    def longest(self, kind: Kind) -> int:  # noqa: ARG002 - the same for every kind
        """The limit of the recipe."""
        return self.max_tokens
