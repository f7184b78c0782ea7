"""What a model is, apart from its weights: size, special tokens, task and lengths, as stored in `model.json`.

Plain dataclasses instead of the recipe's sections, because a registered model ships them into environments without the recipe.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.errors import BadInput


@dataclass(frozen=True)
class Shape:
    """Architecture and size; the fields of the recipe's ``model`` section."""

    family: str
    width: int
    layers: int
    heads: int
    feed_forward: int
    context: int
    copy_head: bool = False

    def __post_init__(self) -> None:
        """Refuse what no family can build."""
        if self.width % self.heads:
            raise BadInput(f"model.width {self.width} with model.heads {self.heads}", "heads that divide the width", "change one")


@dataclass(frozen=True)
class Specials:
    """Ids of the special tokens; ``sentinels`` are those of span corruption, in order."""

    pad: int
    eos: int
    bos: int
    unk: int
    sep: int
    sentinels: tuple[int, ...] = ()

    @property
    def never_generated(self) -> tuple[int, ...]:
        """Ids that generation must not emit."""
        return (self.pad, self.bos, self.unk, self.sep, *self.sentinels)


@dataclass(frozen=True)
class ModelInfo:
    """What `load_model` needs to build the model again, and what serving needs to use it."""

    shape: Shape
    vocabulary: int
    specials: Specials
    task: str
    """``summarization``, or the objective's name for a base model."""
    max_source_tokens: int
    max_target_tokens: int
    seed: int = 0
    """Seed of the initial weights, so that the untrained model can be built again."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Figures to keep with the weights, e.g. the step they were taken at."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ModelInfo:
        """Read back what `to_json` gave.

        Raises:
            BadInput: fields are missing or unknown.
        """
        try:
            specials = dict(data["specials"])
            specials["sentinels"] = tuple(specials.get("sentinels", ()))
            return cls(**{**data, "shape": Shape(**data["shape"]), "specials": Specials(**specials)})
        except (KeyError, TypeError) as error:
            raise BadInput(f"model.json cannot be read: {error}", "the fields of this version", "train the model again") from error
