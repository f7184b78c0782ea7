"""Test texts: read and clean a pinned source, all of it for the test split. It is a frozen test set, or a benchmark to compare with."""

from components.cleaning.contract import LIBRARIES, NAMES, NAMES_OPTION, OPTIONS
from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.data import Data
from pipeline.recipe.task import Task


class TestSetParams(Params):
    """What making test texts needs to know."""

    data: Data
    """Source, filter and cleaning."""

    task: Task | None = None
    """What the documents are for; None for a benchmark, whose texts are taken as they are."""


contract = Component(
    name="test_set",
    verb="freeze",
    version=1,
    summary="Read and clean a pinned source of test texts: a frozen test set, or a benchmark that training text is compared with.",
    params=TestSetParams,
    inputs={"source": Input(ArtifactType.SOURCE), "names": NAMES},
    output=ArtifactType.CORPUS,
    task_parts=("examples",),
    image="light",
    libraries=LIBRARIES,
    options=(*OPTIONS, NAMES_OPTION),
    resources="cpu-small",
    intermediates=True,
)
