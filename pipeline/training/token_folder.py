"""A tokens artifact as training reads it: vocabulary, streams, and the fields of the task's examples."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.corpus import CLEANING, LABELS
from pipeline.tokens import EXAMPLES, STREAMS, TOKENIZER
from pipeline.tokens.token_stream import TokenStream
from pipeline.tokens.token_writer import dtype_for
from pipeline.tokens.tokenizer_folder import read_vocabulary

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.families.vocabulary import Vocabulary


@dataclass(frozen=True)
class TokenFolder:
    """What tokenization wrote, as far as this step reads it."""

    folder: Path
    vocabulary: Vocabulary

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's folder, to be shipped with the model."""
        return self.folder / TOKENIZER

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the task, in the order of their ids; empty for a task without classes."""
        file = self.folder / EXAMPLES / LABELS
        return tuple(json.loads(file.read_bytes())) if file.is_file() else ()

    @property
    def cleaning(self) -> dict[str, Any]:
        """The rule by which the texts of the corpus were cleaned."""
        files = [self.folder / part / CLEANING for part in (EXAMPLES, STREAMS)]
        return next((dict(json.loads(file.read_bytes())) for file in files if file.is_file()), {"whitespace": "auto"})

    def stream(self, split: str) -> TokenStream:
        """Every text of a split."""
        return TokenStream(self.folder / STREAMS / split, dtype_for(self.vocabulary.size))

    def field(self, split: str, name: str, dtype: str = "") -> TokenStream:
        """One field of the examples of a split; without ``dtype`` it holds token ids."""
        return TokenStream(self.folder / EXAMPLES / f"{split}-{name}", dtype or dtype_for(self.vocabulary.size))


def open_tokens(folder: Path) -> TokenFolder:
    """Open a tokens artifact.

    Raises:
        Damaged: its vocabulary is missing or cannot be read.
    """
    return TokenFolder(folder, read_vocabulary(folder / TOKENIZER))
