"""Promotion: end a proposal as people answered it."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.gate import Registration


class PromotionParams(Params):
    """What promotion needs to know."""

    registration: Registration
    """Name in the registry, and who has to approve."""


contract = Component(
    name="promotion",
    verb="promote",
    version=1,
    summary="Promote a proposed model to champion if enough people approved it.",
    params=PromotionParams,
    inputs={"model": Input(ArtifactType.MODEL)},
    output=ArtifactType.VERSION,
    image="light",
    libraries=("numpy",),
    resources="cpu-small",
    effect=True,
)
