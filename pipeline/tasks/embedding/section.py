"""The recipe's ``task`` section of embedding."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.families.kinds import Kind
from pipeline.lookup import Table
from pipeline.tasks.section import OneSequence

PARTS = Table(
    "part of task embedding",
    None,
    {
        "examples": "pipeline.tasks.embedding.examples:Examples",
        "encode": "pipeline.tasks.embedding.encode:Encode",
        "model": "pipeline.tasks.embedding.model:Embedder",
        "scoring": "pipeline.tasks.embedding.scoring:make_scoring",
        "serving": "pipeline.tasks.embedding.serving:Serving",
    },
)


class Embedding(OneSequence):
    """Give each text a vector; the texts of a pair get near ones. ``data.source.columns.pair``, or else ``target``, is the second text.

    Fine-tuning learns from pairs. Without it the pretrained model is the result: static word vectors, whose mean is the vector of a
    text. The second texts of the other pairs in a batch are the negatives, so large batches teach more. Several processes
    divide a batch, and each contrasts the texts of its own part only.
    """

    kind: Literal["embedding"]

    temperature: float = Field(0.05, gt=0)
    """Cosines are divided by this in the loss: lower values weigh the nearest wrong texts more."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS

    @property
    def needs_target(self) -> bool:
        """It needs a second text, from the target or from a column of its own."""
        return False

    @property
    def needs_pair(self) -> bool:
        """Without pairs there is nothing to score."""
        return True

    @property
    def pretrained(self) -> bool:
        """Every model has vectors of its tokens."""
        return True

    def kinds(self) -> tuple[Kind, ...]:
        """All that read a text as one sequence, and word vectors."""
        return (*super().kinds(), Kind.STATIC)
