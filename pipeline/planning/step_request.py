"""The request of a step: write it before an attempt, read it again, and check the artifact that it asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pipeline.artifacts import open_artifacts, open_store
from pipeline.artifacts.base import NotFound
from pipeline.artifacts.gc import wait_for_collection
from pipeline.artifacts.manifest import Frozen, Reference
from pipeline.artifacts.sealed import read_record
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput, Unavailable, unknown_name
from pipeline.planning.plan import Plan, digest_of
from pipeline.planning.planner import Planner
from pipeline.planning.resolve import MissingInput
from pipeline.planning.test_set_size import first_reader, warn_small_test_set
from pipeline.runs.records import failure_key, plan_key, request_key
from pipeline.runs.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifacts.base import Store
    from pipeline.experiments.records import Pinned
    from pipeline.lines import Step
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

log = logging.getLogger(__name__)


class PreparedStep(Frozen):
    """A step that is ready to run (``request``), or does not run (``reference`` or ``skipped``)."""

    reference: Reference | None = None
    """The artifact, if it exists already."""

    own: bool = False
    """Whether an earlier attempt of this very run made that artifact."""

    skipped: bool = False
    """Whether a required input does not exist in this run."""

    request: Request | None = None
    """What the component has to make."""

    request_uri: str | None = None
    """URI of the request in the store."""


def prepare_step(
    recipe: Recipe,
    run: str,
    step_id: str,
    settings: Settings,
    outputs: Mapping[str, Reference | None],
    force: frozenset[str] = frozenset(),
    line: str = "train",
    pinned: Pinned | None = None,
) -> PreparedStep:
    """Resolve a step's inputs, compute its fingerprint, look for its artifact, and write the request if there is none.

    Args:
        recipe: the recipe of the run with all overrides.
        run: id of the run.
        step_id: the step.
        settings: where things are.
        outputs: artifact of each earlier step by id; None for a skipped step.
        force: steps that run although their artifact exists.
        line: the line that has the step.
        pinned: what a study pinned; None looks at what there is now.

    Raises:
        BadInput: no such step, an earlier step has no output, or the recipe is not the one the run was planned with.
        Unavailable: the store, MLflow or the source is unreachable.
    """
    planner = Planner(recipe, settings, line, force, pinned=pinned)
    planned = _planned(planner.artifacts.store, run, recipe)
    step = next((step for step in planner.steps if step.id == step_id), None)
    if step is None:
        raise unknown_name("step", step_id, [step.id for step in planner.steps])
    proposal = planned.proposal if planned else None
    if proposal is not None and not planner.resolver.use_proposal(step, proposal):
        return PreparedStep(skipped=True)
    resolved = planner.resolver.resolve(step, outputs)
    if isinstance(resolved, MissingInput):
        if resolved.skipped:
            return PreparedStep(skipped=True)
        raise BadInput(f"{step_id} cannot run: {resolved.reason}", "", "start a new run")
    if step_id not in force:
        manifest, _ = planner.find_artifact(step, resolved)
        if manifest:
            return PreparedStep(reference=manifest.reference, own=manifest.provenance.run == run)
    request = Request(
        run=run,
        recipe=recipe.name,
        step=step_id,
        stage=step.component.name,
        params=resolved.parts.params,
        inputs=resolved.inputs,
        pin=resolved.pin,
        fingerprint=resolved.parts.fingerprint,
        started_by=planned.started_by if planned else None,
        proposal=proposal,
        force=step_id in force,
    )
    _warn_after_ingestion(planner, step, request)
    _write(request, planner.artifacts.store)
    return PreparedStep(request=request, request_uri=f"{settings.store.rstrip('/')}/{request_key(run, step_id)}")


def _write(request: Request, store: Store) -> None:
    """Store the request, in the place of an earlier attempt's failure."""
    store.delete(failure_key(request.run, request.step))
    store.put(request_key(request.run, request.step), request.model_dump_json(indent=2).encode())
    wait_for_collection(store)


def _warn_after_ingestion(planner: Planner, step: Step, request: Request) -> None:
    """Log what planning could not know: that the test set of a corpus made in this run is too small."""
    if planner.recipe.registration.gate.min_gain is None or step is not first_reader(planner.steps):
        return  # nothing is read from the store for it
    for reference in request.inputs.values():
        manifest = planner.artifacts.resolve(reference) if reference.type is ArtifactType.CORPUS else None
        if manifest and manifest.provenance.run == request.run:
            warning = warn_small_test_set(planner.recipe, manifest.counts, planner.artifacts.store)
            if warning:
                log.warning(warning)


def _planned(store: Store, run: str, recipe: Recipe) -> Plan | None:
    """The plan of the run, whose recipe has to be this one; None for a run without a plan.

    Airflow passes the recipe from task to task, where whoever may edit a run could put another gate into it. The plan in the store
    cannot be edited from there. A run of another engine has no plan, and its recipe is part of the compiled pipeline.

    Raises:
        BadInput: they differ.
    """
    try:
        planned = read_record(store, plan_key(run), Plan.model_validate_json)
    except NotFound:
        return None
    if planned.recipe_digest != digest_of(recipe):
        raise BadInput(f"the recipe of {run} is not the one it was planned with", "", "start a new run")
    return planned


def read_request(run: str, step_id: str, settings: Settings) -> tuple[Request, str]:
    """Read the request that `prepare_step` wrote, for an attempt whose component is running or has ended.

    Returns:
        The request and its URI.

    Raises:
        Unavailable: the request no longer exists.
    """
    key = request_key(run, step_id)
    try:
        found = read_record(open_store(settings), key, Request.model_validate_json)
    except NotFound as error:
        raise Unavailable(f"the request of {step_id} was deleted from the store ({key})", "", "start a new run") from error
    return found, f"{settings.store.rstrip('/')}/{key}"


def find_result(request: Request, settings: Settings) -> Reference:
    """Return the artifact that a component with exit code 0 committed for ``request``.

    Raises:
        Unavailable: the manifest or one of its blobs does not exist.
    """
    artifacts = open_artifacts(settings)
    manifest = artifacts.find(request.stage, request.fingerprint)
    if manifest is None or artifacts.missing(manifest):
        raise Unavailable(
            f"{request.step} ended with exit code 0 but its artifact {request.fingerprint[:12]} is incomplete",
            "a manifest and all its blobs",
            "start a new run",
        )
    return manifest.reference
