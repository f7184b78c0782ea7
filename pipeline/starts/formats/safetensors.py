"""safetensors: weights beside a configuration and a tokenizer, as `save_pretrained` writes them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.families.base_facts import BaseFacts, check_config, facts_of, parse_object

if TYPE_CHECKING:
    from pipeline.starts.formats.base import Look

CONFIG, TOKENIZER_CONFIG = "config.json", "tokenizer_config.json"
LIMIT = 1 << 20
"""Bytes of a configuration that are read: those of transformers have a few thousand."""

TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
"""Names of files that hold a tokenizer, fast or to be converted."""


class Safetensors:
    """Implements `pipeline.starts.formats.base.WeightFormat`."""

    patterns = ("*.safetensors",)
    alone = False

    def facts(self, look: Look) -> BaseFacts | None:
        """What the configuration says.

        Raises:
            BadInput: it is missing or unusable, or there is no tokenizer.
        """
        if CONFIG not in look.names:
            raise BadInput(f"model.start: no {CONFIG} beside the weights", "an ordinary transformers folder", "correct model.start")
        if not any(fnmatchcase(name, pattern) for name in look.names for pattern in TOKENIZERS):
            raise BadInput("model.start has no tokenizer.json", "a tokenizer beside the weights", "save the base with its fast tokenizer")
        config = parse_object(CONFIG, look.read(CONFIG, LIMIT))
        tokenizer = parse_object(TOKENIZER_CONFIG, look.read(TOKENIZER_CONFIG, LIMIT)) if TOKENIZER_CONFIG in look.names else {}
        check_config(config, tokenizer)
        return facts_of(config)


FORMAT = Safetensors()
