"""A trial: a run of its own with other values of some fields, up to the model and no further."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.experiments.records import Lost, Outcome, Ran, Tell
from pipeline.lines import trace
from pipeline.recipe.experiment_checks import judged_training, objective_of
from pipeline.recipe.overrides import override, replace_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.experiments.records import Ask
    from pipeline.lines import Step
    from pipeline.recipe import Recipe
    from pipeline.recipe.experiment import Scalar

    PriceOf = Callable[[str], float | None]
    """Price of an hour of the machine size with this name; None if it has none."""

LINE = "trial"
"""The line of a trial, in `pipeline.lines.LINES`."""


def trial_recipe(recipe: Recipe, values: Mapping[str, Scalar], until: int | None) -> Recipe:
    """The recipe of one trial.

    Args:
        recipe: the recipe of the study.
        values: dotted field → value.
        until: step of the judged training after which it stops; None leaves that as the recipe says.

    Raises:
        BadInput: the values do not fit together.
    """
    plain = replace_fields(recipe, {"experiment": None}, recipe.name)
    stop = {f"{judged_training(recipe)[0]}.until": until} if until is not None else {}
    return override(plain, {**values, **stop}, "the trial")


def depends_on_values(recipe: Recipe, trial: Recipe, step_id: str) -> bool:
    """Whether a step of a trial, or a step before it, differs from that of the recipe itself.

    If not, every trial has that step, and its failure is nobody's.

    Args:
        recipe: the recipe of the study.
        trial: the recipe of the trial.
        step_id: a step of the line.
    """
    own = {step.id: step for step in trace(trial, LINE)}
    plain = {step.id: step for step in trace(recipe, LINE)}

    def differs(one: str) -> bool:
        return own[one].params != plain[one].params or any(differs(step.id) for step in own[one].upstream)

    return step_id not in own or differs(step_id)


@dataclass(frozen=True)
class TrialRun:
    """What an interpreter knows of a trial that it ran."""

    ask: Ask
    run: str
    """The trial's run."""

    steps: Sequence[Step]
    """The steps of its line."""

    outputs: Mapping[str, Reference | None]
    """The artifact of each step that ended."""

    lost: tuple[str, float] | None = None
    """The step that failed, and its seconds."""

    shared: str = ""
    """Name of the run of the steps that all trials share, where an engine runs them apart; they count for the first ask."""


def complete(trial: TrialRun, recipe: Recipe, artifacts: Artifacts, before: Collection[Tell], price_of: PriceOf) -> Tell:
    """What came of a trial whose line has ended.

    Args:
        trial: what ran.
        recipe: the recipe of the study.
        artifacts: where the artifacts are.
        before: what was told of this study so far.
        price_of: prices of machine sizes.

    Raises:
        BadInput: an artifact was removed meanwhile, or its training did not measure the objective.
    """
    name, stage = f"validation_{objective_of(recipe)[0]}", judged_training(recipe)[0]
    judged = _manifest(trial.outputs[stage], artifacts)
    if name not in judged.metrics:
        raise BadInput(
            f"{stage} {judged.fingerprint[:12]} has no {name}", "a training that measured it", f"run the recipe with --force {stage}"
        )
    return Tell(
        number=trial.ask.number,
        trial=trial.ask.trial,
        outcome=Outcome.COMPLETE,
        value=judged.metrics[name],
        steps=int(judged.metrics["steps"]),
        model=judged.reference,
        ran=_ran(trial, recipe, artifacts, before, price_of),
        time=datetime.now(UTC),
    )


def failed(trial: TrialRun, reason: str, recipe: Recipe, artifacts: Artifacts, before: Collection[Tell], price_of: PriceOf) -> Tell:
    """What came of a trial that could not be trained; arguments as of `complete`, and why."""
    lost = None
    if trial.lost:
        step = next(step for step in trial.steps if step.id == trial.lost[0])
        lost = Lost(step=step.id, seconds=trial.lost[1], cost=_cost(step, trial.lost[1], recipe, price_of))
    return Tell(
        number=trial.ask.number,
        trial=trial.ask.trial,
        outcome=Outcome.FAILED,
        reason=reason,
        ran=_ran(trial, recipe, artifacts, before, price_of),
        lost=lost,
        time=datetime.now(UTC),
    )


def _ran(trial: TrialRun, recipe: Recipe, artifacts: Artifacts, before: Collection[Tell], price_of: PriceOf) -> tuple[Ran, ...]:
    """The steps that ran for this ask: this trial made them, and no earlier rung did."""
    told = [ran for tell in before for ran in tell.ran]
    counted = {ran.artifact.fingerprint for ran in told}
    found = []
    for step in trial.steps:
        reference = trial.outputs.get(step.id)
        if reference is None or reference.fingerprint in counted:
            continue
        manifest = _manifest(reference, artifacts)
        made_by = manifest.provenance.run
        if made_by != trial.run and not (made_by == trial.shared and trial.ask.number == 0):
            continue
        seconds = (manifest.provenance.finished - manifest.provenance.started).total_seconds()
        state = manifest.parts.training_state(step.component.budget)
        earlier = sum(ran.tokens for ran in told if ran.state == state)
        tokens = manifest.metrics.get("tokens", 0.0) - earlier if step.component.trains else 0.0
        cost = _cost(step, seconds, recipe, price_of)
        found.append(Ran(artifact=reference, state=state, seconds=seconds, tokens=tokens, cost=cost))
    return tuple(found)


def _cost(step: Step, seconds: float, recipe: Recipe, price_of: PriceOf) -> float | None:
    price = price_of(recipe.resources.of(step.id, step.component.resources))
    return None if price is None else price * seconds / 3600


def _manifest(reference: Reference | None, artifacts: Artifacts) -> Manifest:
    manifest = artifacts.resolve(reference) if reference else None
    if manifest is None:
        raise BadInput("an artifact of a trial is not in the store", "", "run the experiment again with --resume")
    return manifest
