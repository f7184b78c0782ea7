"""The recipe's ``task`` section of a language model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.families.kinds import Kind
from pipeline.lookup import Table
from pipeline.tasks.section import SPECIAL_TOKENS, Generation, TaskSection

PARTS = Table(
    "part of task language_model",
    None,
    {
        "examples": "pipeline.tasks.language_model.examples:Examples",
        "encode": "pipeline.tasks.language_model.encode:Encode",
        "model": "pipeline.tasks.language_model.model:LanguageModel",
        "scoring": "pipeline.tasks.language_model.scoring:make_scoring",
        "serving": "pipeline.tasks.language_model.serving:Serving",
    },
)


class LanguageModel(TaskSection):
    """Say how probable a text is, and continue it. The pretrained model is the result: the recipe has no ``finetuning``."""

    kind: Literal["language_model"]

    max_new_tokens: int = Field(64, ge=1)
    """Longest continuation that a request is answered with, in tokens."""

    generation: Generation = Generation()
    """How continuations are written."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS

    @property
    def needs_target(self) -> bool:
        """It is learned from texts alone."""
        return False

    @property
    def finetuned(self) -> bool:
        """Pretraining is all its training."""
        return False

    @property
    def exact(self) -> bool:
        """Its score is the probability of a whole text."""
        return True

    def kinds(self) -> tuple[Kind, ...]:
        """Decoders: the others give no probability of a whole text."""
        return (Kind.DECODER,)

    def longest(self, kind: Kind) -> int:  # noqa: ARG002 - of one kind only
        """A continuation after at least the beginning of a text; longer texts are read in parts."""
        return SPECIAL_TOKENS + self.max_new_tokens

    @property
    def divisible(self) -> bool:
        """There is no answer."""
        return True
