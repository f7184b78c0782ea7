"""Text sample: read a part of a pinned source, and keep which words some of its texts have, for a classifier of texts."""

from components.cleaning.contract import LIBRARIES, OPTIONS
from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.data import Data
from pipeline.recipe.task import Task


class TextSampleParams(Params):
    """What sampling needs to know."""

    data: Data
    """Source, filter and cleaning."""

    task: Task
    """What the documents are for."""


contract = Component(
    name="text_sample",
    verb="sample",
    version=1,
    summary="Read a part of a pinned source, and keep which words some of its texts have, for a classifier of texts.",
    params=TextSampleParams,
    inputs={"source": Input(ArtifactType.SOURCE)},
    output=ArtifactType.TEXT_SAMPLE,
    task_parts=("examples",),
    image="light",
    libraries=LIBRARIES,
    options=OPTIONS,
    resources="cpu-small",
)
