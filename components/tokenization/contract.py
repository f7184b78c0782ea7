"""Tokenization: train a byte-level BPE on the train split (or take a given one) and write token shards."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.tokenizer import Tokenizer


class TokenizationParams(Params):
    """What tokenization needs to know."""

    tokenizer: Tokenizer
    """Vocabulary and lengths of the recipe."""


contract = Component(
    name="tokenization",
    verb="tokenize",
    version=1,
    summary="Train a byte-level BPE on the train split, or take a given one, and write token shards.",
    params=TokenizationParams,
    inputs={"corpus": Input(ArtifactType.CORPUS)},
    output=ArtifactType.TOKENS,
    image="light",
    libraries=("numpy", "pyarrow", "tiktoken", "tokenizers"),
    resources="cpu-small",
)
