"""On which machine each step runs, where the recipe asks for another than its component's contract does.

It stands outside every section a component takes as params, so moving a step to a larger machine never changes a fingerprint.
"""

from __future__ import annotations

from pipeline.recipe.section import Section


class Resources(Section):
    """Names of machine sizes; what a name means is a setting (`TRAINSHED_MACHINES`). Left open, the contract's name holds."""

    ingestion: str | None = None
    """Machine that reads, cleans and splits the source."""

    tokenization: str | None = None
    """Machine that trains the tokenizer and encodes."""

    pretraining: str | None = None
    """Machine, or machines, that pretrain."""

    finetuning: str | None = None
    """Machine, or machines, that fine-tune."""

    evaluation: str | None = None
    """Machine that scores the challenger."""

    champion_evaluation: str | None = None
    """Machine that scores the champion on the challenger's test split."""

    registration: str | None = None
    """Machine that registers and promotes."""

    def of(self, step: str, default: str) -> str:
        """The name a step runs on.

        Args:
            step: id of the step within the line.
            default: what its component's contract asks for.
        """
        named: str | None = getattr(self, step)
        return named or default
