"""From fetched files to an ordinary transformers folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.errors import BadInput
from pipeline.pretrained import CONVERTERS
from pipeline.pretrained.add_words import add_words
from pipeline.pretrained.check_files import count_weights
from pipeline.pretrained.load_whole import load_whole, rows_of
from pipeline.starts.base import format_of
from pipeline.tokens.tokenizer_folder import copy_from_base

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


ORDINARY = "safetensors"
"""The format of a folder in which nothing else is found: its converter says what is missing."""


class Converter(Protocol):
    """From the fetched files of one format to an ordinary folder."""

    def __call__(self, fetched: Path, output: Path) -> None:
        """Write the folder.

        Args:
            fetched: folder of the files.
            output: empty folder to fill.

        Raises:
            BadInput: a file is cut, damaged, or cannot be used.
        """


def import_weights(fetched: Path, output: Path, scratch: Path, words: Sequence[str] = ()) -> dict[str, int]:
    """Check fetched weights and write them as an ordinary folder.

    Args:
        fetched: configuration, safetensors and tokenizer, or one file that holds all of it.
        output: empty folder to fill.
        scratch: a folder for files that are not kept.
        words: words that extend the tokenizer.

    Returns:
        ``parameters``; ``vocabulary``: number of token ids; ``embeddings``: rows of the input embeddings; ``words``: how many were added.

    Raises:
        BadInput: the files are damaged or do not fit each other, the family is unknown, or they hold custom code.
    """
    convert: Converter = CONVERTERS.load(format_of(path.name for path in fetched.iterdir()) or ORDINARY)
    convert(fetched, output)
    size = copy_from_base(output, scratch / "tokenizer").size
    model = load_whole(output)
    if rows_of(model) < size:
        raise BadInput(
            f"a base model with {rows_of(model)} embeddings and a tokenizer of {size} tokens",
            "",
            "save the base with the tokenizer it was trained with",
        )
    added = add_words(output, words)
    if added:
        model = load_whole(output)
    return {"parameters": count_weights(output), "vocabulary": size + added, "embeddings": rows_of(model), "words": added}
