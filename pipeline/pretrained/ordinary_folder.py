"""safetensors, configuration and tokenizer: an ordinary transformers folder is checked and copied."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline.families.base_facts import check_config
from pipeline.pretrained.check_files import read_json, weight_files
from pipeline.pretrained.tokenizer_files import copy_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

GENERATION, TOKENIZER_CONFIG = "generation_config.json", "tokenizer_config.json"


def copy_folder(fetched: Path, output: Path) -> None:
    """Copy what belongs to the model; its bytes stay as they are.

    Raises:
        BadInput: files are missing or damaged, the family is unknown, or the model needs code of its own.
    """
    tokenizer = read_json(fetched / TOKENIZER_CONFIG) if (fetched / TOKENIZER_CONFIG).is_file() else {}
    check_config(read_json(fetched / "config.json"), tokenizer)
    for name in ("config.json", *weight_files(fetched), *([GENERATION] if (fetched / GENERATION).is_file() else [])):
        shutil.copyfile(fetched / name, output / name)
    copy_tokenizer(fetched, output)
