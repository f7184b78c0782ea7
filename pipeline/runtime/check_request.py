"""Check a request against the contract and against the code of this container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipeline.artifacts.fingerprint import fingerprint_parts, input_digests
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput
from pipeline.runtime.work_folder import resolve_input

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Parts
    from pipeline.component import Component, Params
    from pipeline.runs.request import Request


def check_params(component: Component, request: Request) -> Params:
    """The request's params as the contract types them.

    Raises:
        BadInput: the request is for another stage, or its params are not the contract's.
    """
    if request.stage != component.name:
        raise BadInput(f"a request for {request.stage}", f"one for {component.name}", f"run python -m components.{request.stage}")
    try:
        return component.params.model_validate(request.params)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"request: params.{place}: {first['msg'].lower()}", "params of this contract", "run the recipe again") from error


def check_inputs(component: Component, request: Request) -> None:
    """Check that every input of the contract is given with its type, and no other input.

    Raises:
        BadInput: one is missing, unknown, or of another type.
    """
    for name, wanted in component.inputs.items():
        if wanted.type is ArtifactType.SOURCE:
            given = ArtifactType.SOURCE if request.pin else None
        else:
            given = request.inputs[name].type if name in request.inputs else None
        if given is None and not wanted.optional:
            raise BadInput(f"request: no input {name!r}", f"a {wanted.type}", "run the recipe again")
        if given is not None and given is not wanted.type:
            raise BadInput(f"request: input {name!r} is a {given}", f"a {wanted.type}", "run the recipe again")
    for name in sorted(request.inputs.keys() - component.inputs.keys()):
        try:
            wanted, given = component.input(name), request.inputs[name].type
        except KeyError:
            raise BadInput(f"request: unknown input {name!r}", f"only {', '.join(component.inputs)}", "run the recipe again") from None
        if given is not wanted.type:
            raise BadInput(f"request: input {name!r} is a {given}", f"a {wanted.type}", "run the recipe again")


def check_identity(component: Component, params: Params, request: Request, artifacts: Artifacts) -> Parts:
    """Recompute the fingerprint from the code and libraries of this container.

    Raises:
        BadInput: it differs from the plan's: the image is stale, or the code changed since.
        Damaged: the manifest of an input is missing.
    """
    manifests = {name: resolve_input(artifacts, request, name) for name in request.inputs if component.input(name).identity}
    digests = input_digests(component, manifests) | ({"source": request.pin.digest} if request.pin else {})
    parts = fingerprint_parts(component, params, digests, input_params=[manifest.parts.params for manifest in manifests.values()])
    if parts.fingerprint != request.fingerprint:
        raise BadInput(
            f"code or libraries here give {component.name} the fingerprint {parts.fingerprint[:12]}",
            f"{request.fingerprint[:12]}, as planned",
            "rebuild the image; if the code was edited meanwhile, run the recipe again; if a library was updated, restart Airflow first",
        )
    return parts
