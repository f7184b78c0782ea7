"""The tokenizer of pretrained weights: copied, or converted into the fast form."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.tokens.tokenizer_folder import COPIED, load_tokenizer

if TYPE_CHECKING:
    from pathlib import Path


def copy_tokenizer(fetched: Path, output: Path) -> None:
    """Write the tokenizer's files.

    Args:
        fetched: a model's folder.
        output: where ``tokenizer.json`` and the files beside it go.

    Raises:
        BadInput: there is no tokenizer, it cannot be read, or it has no fast form.
    """
    if (fetched / "tokenizer.json").is_file():
        for name in COPIED:
            if (fetched / name).is_file():
                shutil.copyfile(fetched / name, output / name)
        try:
            load_tokenizer(output)
        except Exception as error:  # whatever tokenizers and transformers raise for files that they cannot read
            raise BadInput(f"the tokenizer of model.start cannot be read: {_first_line(error)}", "", "fetch the model again") from error
        return
    from transformers import AutoTokenizer

    got, fix = "model.start has no tokenizer.json", "save the base with its fast tokenizer"
    if not any((fetched / name).is_file() for name in ("vocab.txt", "vocab.json")) and not list(fetched.glob("*.model")):
        raise BadInput(got, "a tokenizer beside the weights", fix)
    try:
        tokenizer = AutoTokenizer.from_pretrained(fetched, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever a converter raises for a vocabulary that it cannot read
        raise BadInput(f"{got}, and its vocabulary cannot be converted: {_first_line(error)}", "", fix) from error
    if not tokenizer.is_fast:
        raise BadInput(f"{got}, and {type(tokenizer).__name__} has no fast form", "a fast tokenizer", fix)
    tokenizer.save_pretrained(output)


def _first_line(error: Exception) -> str:
    """What an error says first; some of transformers begin with an empty line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
