"""The check of a corpus: its page, its card, and the rules of the recipe."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.data_checks import DataChecks


class DataCheckParams(Params):
    """What the check needs to know."""

    checks: DataChecks
    """The rules of the recipe."""


TRAIN = ("train-*.parquet",)

contract = Component(
    name="data_check",
    verb="check_data",
    version=1,
    summary="Check a corpus by the rules of the recipe, and write its page and card.",
    params=DataCheckParams,
    inputs={
        "corpus": Input(ArtifactType.CORPUS),
        # what rules compare with
        "previous": Input(ArtifactType.CORPUS, optional=True, parts=TRAIN),
        "champion": Input(ArtifactType.CORPUS, optional=True, parts=TRAIN),
    },
    output=ArtifactType.DATA_REPORT,
    image="training",  # for its scipy, matplotlib and jinja2
    libraries=("numpy", "pyarrow", "regex", "scipy"),
    resources="cpu-small",
)
