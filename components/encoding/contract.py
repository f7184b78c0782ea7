"""Encoding: encode a share of a corpus ahead of tokenization, so that several machines do it at once."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.mixture import Weights
from pipeline.recipe.task import Task
from pipeline.recipe.workers import Share


class EncodingParams(Params):
    """What encoding needs to know."""

    task: Task
    """How a document becomes an example."""

    weights: Weights | None = None
    """How often training reads the documents of each source, where it is not once."""

    share: Share
    """Which part of the corpus."""


contract = Component(
    name="encoding",
    verb="encode",
    version=1,
    summary="Encode a share of a corpus ahead of tokenization.",
    params=EncodingParams,
    inputs={
        "corpus": Input(ArtifactType.CORPUS, parts=("train-*.parquet", "validation-*.parquet", "labels.json", "sources.json")),
        "tokenizer": Input(ArtifactType.TOKENIZER),
    },
    output=ArtifactType.ENCODED,
    task_parts=("encode",),
    image="training",
    libraries=("numpy", "pyarrow", "regex", "tiktoken", "tokenizers", "transformers"),
    resources="cpu-small",
    intermediates=True,
)
