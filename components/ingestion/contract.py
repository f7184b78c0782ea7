"""Ingestion: read a pinned source, clean it, drop duplicates, split it, write Parquet shards."""

from components.cleaning.contract import LIBRARIES, NAMES, NAMES_OPTION, OPTIONS
from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.data import Data
from pipeline.recipe.task import Task


class IngestionParams(Params):
    """What ingestion needs to know."""

    data: Data
    """Source, filter and split of the recipe."""

    task: Task
    """What the documents are for: which targets are valid, and what decides the split."""


TEST = ("test-*.parquet",)

contract = Component(
    name="ingestion",
    verb="ingest",
    version=1,
    summary="Read a pinned source, clean it, drop duplicates, split it, write Parquet shards.",
    params=IngestionParams,
    inputs={
        "source": Input(ArtifactType.SOURCE),
        # shares that were cleaned ahead; the corpus is the same without them
        "cleaned": Input(ArtifactType.CHUNKS, optional=True, many=True, identity=False),
        # filters what does not look like a reference text
        "quality": Input(ArtifactType.CLASSIFIER, optional=True),
        "names": NAMES,
        # for a corpus of fresh examples: what the model learned from
        "learned": Input(ArtifactType.CORPUS, optional=True, parts=("train-*.parquet", "validation-*.parquet")),
        # what training must not contain
        "test_set": Input(ArtifactType.CORPUS, optional=True, parts=TEST),
        "against": Input(ArtifactType.CORPUS, optional=True, many=True, parts=TEST),
    },
    output=ArtifactType.CORPUS,
    task_parts=("examples",),
    image="light",
    libraries=LIBRARIES,
    options=(*OPTIONS, NAMES_OPTION),
    resources="cpu-small",
    intermediates=True,
)
