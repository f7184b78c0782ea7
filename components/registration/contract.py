"""Registration: put the model into the registry as challenger, and decide whether it becomes champion."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.gate import Registration


class RegistrationParams(Params):
    """What registration needs to know."""

    registration: Registration
    """Name in the registry, and the gate."""


contract = Component(
    name="registration",
    verb="register",
    version=1,
    summary="Register the model as challenger and promote or propose it if it passes the gate.",
    params=RegistrationParams,
    inputs={
        "model": Input(ArtifactType.MODEL),
        "report": Input(ArtifactType.REPORT, many=True),
        "champion_report": Input(ArtifactType.REPORT, optional=True, identity=False, many=True),
    },
    output=ArtifactType.VERSION,
    task_parts=("serving",),
    image="light",
    libraries=("numpy",),
    resources="cpu-small",
    effect=True,
)
