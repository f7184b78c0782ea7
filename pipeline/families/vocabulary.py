"""What a model must know of its tokenizer: size, special tokens by role, and how the tokenizer frames a text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pipeline.errors import BadInput


@dataclass(frozen=True)
class Frame:
    """The special tokens that a tokenizer puts around a text, or around two: ``[CLS] a [SEP] b [SEP]``."""

    prefix: tuple[int, ...] = ()
    suffix: tuple[int, ...] = ()
    middle: tuple[int, ...] = ()
    """Between the two texts of a pair."""

    pair_suffix: tuple[int, ...] = ()
    """After the second text of a pair."""

    types: bool = False
    """Whether the second text has token type 1."""


@dataclass(frozen=True)
class Vocabulary:
    """Size, special tokens and frame of a tokenizer."""

    size: int
    """Number of token ids, special tokens included."""

    pad: int
    eos: int
    bos: int | None = None
    sep: int | None = None
    """Between the source and the answer of a decoder. Without one, the recipe's prompt must end the source."""

    mask: int | None = None
    sentinels: tuple[int, ...] = ()
    """What span corruption replaces a span by, in order."""

    special: tuple[int, ...] = ()
    """All special tokens; generation never writes them, except the end token."""

    frame: Frame = Frame()

    @property
    def never_written(self) -> tuple[int, ...]:
        """Ids that generation must not write."""
        return tuple(token for token in self.special if token != self.eos)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Vocabulary:
        """Read back what `to_json` gave.

        Raises:
            BadInput: fields are missing or unknown.
        """
        try:
            frame: dict[str, Any] = {name: value if name == "types" else tuple(value) for name, value in data["frame"].items()}
            listed = {name: tuple(data[name]) for name in ("sentinels", "special")}
            return cls(**{**data, **listed, "frame": Frame(**frame)})
        except (KeyError, TypeError) as error:
            raise BadInput(f"the vocabulary cannot be read: {error}", "the fields of this version", "tokenize the corpus again") from error
