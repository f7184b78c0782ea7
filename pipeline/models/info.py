"""`trainshed.json`: what a saved model is, beyond what transformers' own files say."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput
from pipeline.families.kinds import Head, Kind
from pipeline.families.vocabulary import Vocabulary
from pipeline.models.architecture import Architecture
from pipeline.models.build import HeadSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ModelInfo:
    """What `load_model` needs to load the model again, and what evaluation and serving need to use it."""

    kind: Kind
    family: str
    context: int
    """Longest sequence, in tokens."""

    vocabulary: Vocabulary
    head: HeadSpec
    task: dict[str, Any] | None = None
    """The recipe's ``task`` section; None for a base model."""

    objective: str | None = None
    """What a base model was pretrained with."""

    architecture: Architecture | None = None
    """How the model before its first step is built again; None if it started from given weights."""

    seed: int = 0
    """Seed of the initial weights."""

    cleaning: Mapping[str, Any] = field(default_factory=lambda: {"whitespace": "auto"})
    """How texts were cleaned: what the corpus's ``cleaning.json`` holds. A served model cleans by the same rule."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "vocabulary": self.vocabulary.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ModelInfo:
        """Read back what `to_json` gave.

        Raises:
            BadInput: fields are missing or unknown.
        """
        try:
            head, architecture = dict(data["head"]), data["architecture"]
            head |= {"head": Head(head["head"]), "labels": tuple(head["labels"])}
            rest = {
                "kind": Kind(data["kind"]),
                "vocabulary": Vocabulary.from_json(data["vocabulary"]),
                "head": HeadSpec(**head),
                "architecture": Architecture(**architecture) if architecture else None,
            }
            return cls(**{**data, **rest})
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"trainshed.json cannot be read: {error}", "the fields of this version", "train the model again") from error
