"""From fetched files to an ordinary transformers folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.pretrained.add_words import add_words
from pipeline.pretrained.check_files import check_config, count_weights, weight_files
from pipeline.pretrained.gguf_file import convert_gguf
from pipeline.pretrained.load_whole import load_whole, rows_of
from pipeline.pretrained.tokenizer_files import copy_tokenizer
from pipeline.tokens.tokenizer_folder import copy_from_base

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GENERATION = "generation_config.json"


def import_weights(fetched: Path, output: Path, scratch: Path, words: Sequence[str] = ()) -> dict[str, int]:
    """Check fetched weights and write them as an ordinary folder.

    Args:
        fetched: configuration, safetensors and tokenizer, or one GGUF file.
        output: empty folder to fill.
        scratch: a folder for files that are not kept.
        words: words that extend the tokenizer.

    Returns:
        ``parameters``; ``vocabulary``: number of token ids; ``embeddings``: rows of the input embeddings; ``words``: how many were added.

    Raises:
        BadInput: the files are damaged or do not fit each other, the family is unknown, or they hold custom code.
    """
    single = next(fetched.glob("*.gguf"), None)
    if single:
        convert_gguf(single, output)
    else:
        _copy_folder(fetched, output)
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


def _copy_folder(fetched: Path, output: Path) -> None:
    """Copy what belongs to the model; its bytes stay as they are."""
    check_config(fetched)
    for name in ("config.json", *weight_files(fetched), *([GENERATION] if (fetched / GENERATION).is_file() else [])):
        shutil.copyfile(fetched / name, output / name)
    copy_tokenizer(fetched, output)
