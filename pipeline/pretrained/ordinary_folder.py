"""safetensors, configuration and tokenizer: an ordinary transformers folder is checked and copied."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.families.base_facts import check_config, facts_of
from pipeline.pretrained.check_files import read_json, weight_files
from pipeline.pretrained.tokenizer_files import copy_tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TOLERANCE = 1e-3
GENERATION, TOKENIZER_CONFIG, IMAGES = "generation_config.json", "tokenizer_config.json", "preprocessor_config.json"


def copy_folder(fetched: Path, output: Path) -> None:
    """Copy what belongs to the model; its bytes stay as they are.

    Raises:
        BadInput: files are missing or damaged, the family is unknown, or the model needs code of its own.
    """
    tokenizer = read_json(fetched / TOKENIZER_CONFIG) if (fetched / TOKENIZER_CONFIG).is_file() else {}
    config = read_json(fetched / "config.json")
    check_config(config, tokenizer)
    facts = facts_of(config)
    if facts and not facts.kind.reads_text and (fetched / IMAGES).is_file():
        check_images(read_json(fetched / IMAGES))
    for name in ("config.json", *weight_files(fetched), *([GENERATION] if (fetched / GENERATION).is_file() else [])):
        shutil.copyfile(fetched / name, output / name)
    copy_tokenizer(fetched, output)


def check_images(processor: Mapping[str, object]) -> None:
    """Refuse a model that was trained on images prepared in another way than ours (`pipeline.models.image_to_text.pixel_values`).

    Args:
        processor: ``preprocessor_config.json``.

    Raises:
        BadInput: its pixels are not from -1 to 1.
    """
    for field in ("image_mean", "image_std"):
        found = processor.get(field)
        numbers = [value for value in found if isinstance(value, float | int)] if isinstance(found, list) else []
        if any(abs(value - 0.5) > TOLERANCE for value in numbers):
            raise BadInput(f"{IMAGES} has {field} {found}", "0.5: pixels from -1 to 1", "choose another base")
