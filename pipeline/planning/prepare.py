"""Before and after an attempt: prepare a request, confirm what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts import open_artifacts, open_store
from pipeline.artifacts.base import NotFound
from pipeline.artifacts.manifest import Frozen, Reference
from pipeline.errors import BadInput, Unavailable, unknown_name
from pipeline.planning.planner import Planner
from pipeline.planning.resolve import Resolved
from pipeline.runs.records import failure_key, request_key
from pipeline.runs.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


class Prepared(Frozen):
    """What is to be done about a step: nothing, or a request."""

    reference: Reference | None = None
    """The artifact, when it turned out to be there."""

    omitted: bool = False
    """Whether the step is left out of this run."""

    request: Request | None = None
    """What to ask the component for."""

    request_uri: str | None = None
    """Where the request lies in the store."""


def prepare(
    recipe: Recipe,
    run: str,
    step_id: str,
    settings: Settings,
    outputs: Mapping[str, Reference | None],
    force: frozenset[str] = frozenset(),
) -> Prepared:
    """Resolve a step's inputs, fingerprint it, look once more, and write the request if it has to run.

    Args:
        recipe: the recipe of the run, overrides included.
        run: id of the run.
        step_id: the step.
        settings: where things are.
        outputs: artifact of each earlier step by id; None for one that was left out.
        force: steps that run although their artifact exists.

    Raises:
        BadInput: no such step; a step before it has no output.
        Unavailable: the store, MLflow or the source is away.
    """
    planner = Planner(recipe, settings, force)
    step = next((step for step in planner.steps if step.id == step_id), None)
    if step is None:
        raise unknown_name("step", step_id, [step.id for step in planner.steps])
    resolved = planner.resolver.resolve(step, outputs)
    if not isinstance(resolved, Resolved):
        if resolved.omitted:
            return Prepared(omitted=True)
        raise BadInput(f"{step_id} cannot run: {resolved.reason}", "every step before it to be done", "plan the run anew")
    if step_id not in force:
        manifest, _ = planner.look(step, resolved)
        if manifest:
            return Prepared(reference=manifest.reference)
    request = Request(
        run=run,
        recipe=recipe.name,
        step=step_id,
        stage=step.component.name,
        params=resolved.parts.params,
        inputs=resolved.inputs,
        pin=resolved.pin,
        fingerprint=resolved.parts.fingerprint,
        force=step_id in force,
    )
    store = planner.artifacts.store
    store.delete(failure_key(run, step_id))
    store.put(request_key(run, step_id), request.model_dump_json(indent=2).encode())
    return Prepared(request=request, request_uri=f"{settings.store.rstrip('/')}/{request_key(run, step_id)}")


def recall(run: str, step_id: str, settings: Settings) -> tuple[Request, str]:
    """The request that `prepare` wrote, and where it lies, for an attempt whose component is at work, or has ended meanwhile.

    Raises:
        Unavailable: it is no longer there.
    """
    key = request_key(run, step_id)
    try:
        found = open_store(settings).get(key).data
    except NotFound as error:
        raise Unavailable(f"the request of {step_id} is gone from the store", f"{key}, which was there", "run it again") from error
    return Request.model_validate_json(found), f"{settings.store.rstrip('/')}/{key}"


def confirm(request: Request, settings: Settings) -> Reference:
    """Check that a component that ended with 0 committed what it was asked for.

    Raises:
        Unavailable: the manifest or one of its blobs is not there.
    """
    artifacts = open_artifacts(settings)
    manifest = artifacts.find(request.stage, request.fingerprint)
    if manifest is None or artifacts.missing(manifest):
        raise Unavailable(
            f"{request.step} ended well but its artifact {request.fingerprint[:12]} is not whole",
            "a manifest and all its blobs",
            "run it again",
        )
    return manifest.reference
