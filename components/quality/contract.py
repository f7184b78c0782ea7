"""Quality: train the classifier that keeps documents which look like a reference text."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.quality import QualityLimit


class QualityParams(Params):
    """What training needs to know."""

    limit: QualityLimit
    """Where the filter cuts."""


contract = Component(
    name="quality",
    verb="train",
    version=1,
    summary="Train the classifier that keeps documents which look like a reference text.",
    params=QualityParams,
    inputs={"reference": Input(ArtifactType.TEXT_SAMPLE), "sample": Input(ArtifactType.TEXT_SAMPLE)},
    output=ArtifactType.CLASSIFIER,
    image="training",  # for its scikit-learn
    libraries=("numpy", "scikit-learn", "scipy"),
    resources="cpu-small",
)
