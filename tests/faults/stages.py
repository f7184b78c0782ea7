"""Every stage of the line as an action of a sweep: planned, run by the real runtime, committed; only the bodies are tiny.

The body of registration is the real one; it packages a model into one small file instead of a second's work.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from faults.sweep import Action
from faults.world import Prefix, stored
from fixtures.line import small_recipe
from fixtures.scores import write_scores

from components.registration import __main__ as registration
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.manifest import pointer_key
from pipeline.errors import Preempted
from pipeline.lines import trace
from pipeline.planning.step_request import find_result, prepare_step
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.ledger import Ledger
from pipeline.registry.versions import read_aliases
from pipeline.runtime.execute import execute
from pipeline.runtime.stop import Stop
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from faults.world import World

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.errors import TrainshedError
    from pipeline.lines import Step
    from pipeline.recipe import Recipe
    from pipeline.runtime import Work
    from pipeline.settings import Settings

STEPS = 3
TOKENS = ("tokenizer", "streams", "examples")
"""Parts of a tokens artifact, which the contracts of the stages after it name."""

EXAMPLES = 40


def fake_package(_model: Path, output: Path, *_: object) -> Path:
    """In the place of `package_model`."""
    output.mkdir()
    (output / "MLmodel").write_text("flavors: {}\n")
    return output


class Stages:
    """The recipe's steps, and for each the state of the store in which it is the next one."""

    def __init__(self, world: World, make_model: Callable[..., Path]) -> None:
        """Run every step once, past the proxies."""
        self.world, self.make_model = world, make_model
        self.recipe = small_recipe(world.folder, name=f"faults-{uuid.uuid4().hex[:8]}")
        self.settings = world.direct()
        self.steps = {step.id: step for step in trace(self.recipe)}
        self.outputs: dict[str, Reference | None] = {}
        self.preempted_at: int | None = None
        self.trained: list[int] = []
        """Steps that were trained, in order, also those of attempts that failed."""
        self.before: dict[str, tuple[Prefix, dict[str, Reference | None]]] = {}
        for step_id in self.steps:
            self.before[step_id] = (Prefix.of(self.settings), dict(self.outputs))
            self.outputs[step_id] = self.run(self.recipe, step_id, "first", self.settings, self.outputs)

    def run(
        self,
        recipe: Recipe,
        step_id: str,
        run: str,
        settings: Settings,
        outputs: Mapping[str, Reference | None],
        stop: Stop | None = None,
    ) -> Reference | None:
        """One attempt, as an operator makes it; None for a step that is skipped."""
        prepared = prepare_step(recipe, run, step_id, settings, outputs)
        if prepared.request is None:
            return prepared.reference
        component = self.steps[step_id].component
        body = registration.register if component.effect else partial(self.body, step_id)
        execute(component, body, prepared.request, settings, stop or Stop(), _stuck)
        return find_result(prepared.request, settings)

    def body(self, step_id: str, work: Work[Any]) -> None:
        """Read the inputs, checkpoint if the component trains, and write a few files."""
        for name, opened in work.inputs.items():
            read = opened.manifest.files_of(self.steps[step_id].component.input(name).parts)
            assert read, f"input {name} has no files"
            for entry in read:
                assert (opened.folder / entry.path).stat().st_size == entry.size, f"input {name} has a wrong file {entry.path}"
        if work.trained:
            self.train(work)
        if step_id == "finetuning":
            for path in self.make_model().iterdir():
                (work.output / path.name).write_bytes(path.read_bytes())
        elif step_id == "evaluation":
            write_report(work.output)
        else:
            for part in TOKENS if step_id == "tokenization" else ("part",):
                (work.output / part).mkdir()
                (work.output / part / "a").write_text(f"{part} of {step_id} " * 300)
            (work.output / "b").write_text(step_id)
        work.counts["files"] = 2

    def train(self, work: Work[Any]) -> None:
        """Three steps with a checkpoint each; a checkpoint that is resumed from is what was saved."""
        place = work.checkpoints.newest()
        done = int((place / "step").read_text()) if place else 0
        if place:
            assert (place / "state").read_text() == f"state {done} " * 100, "a checkpoint has wrong bytes"
        for step in range(done + 1, STEPS + 1):
            self.trained.append(step)
            folder = work.output.parent / f"save-{step}"
            folder.mkdir()
            (folder / "step").write_text(str(step))
            (folder / "state").write_text(f"state {step} " * 100)
            work.reporter.metrics(step, {"loss": 1 / step})
            work.checkpoints.save(step, folder)
            if step == self.preempted_at:
                raise Preempted("the test stops here", "", "")


def write_report(folder: Path) -> None:
    """A report that the gate reads: better than the baselines."""
    levels = {"model": 25.0, "lead": 16.0, "most_frequent": 5.0}
    write_scores(folder, {name: [level + index % 5 - 2 for index in range(EXAMPLES)] for name, level in levels.items()})


def _stuck(error: TrainshedError) -> None:
    raise AssertionError(error)


def stage_action(stages: Stages, step_id: str, server: str, retry_s: float = 0.0) -> Action:
    """A step, disturbed on its way to ``s3`` or ``mlflow``."""
    name = f"{step_id}, {server}, retry {retry_s:.0f} s"
    return Action(name, getattr(stages.world, server), partial(StageCase, stages, step_id, retry_s))


def resumed_action(stages: Stages, retry_s: float = 0.0) -> Action:
    """The attempt after a preempted one: it resumes from the second checkpoint."""
    return Action(f"resumed pretraining, s3, retry {retry_s:.0f} s", stages.world.s3, partial(ResumedCase, stages, "pretraining", retry_s))


class StageCase:
    """One step in a copy of the store in which it is the next one."""

    def __init__(self, stages: Stages, step_id: str, retry_s: float) -> None:
        self.stages, self.step_id = stages, step_id
        prefix, self.outputs = stages.before[step_id]
        self.world = stages.world
        # MLflow's names are all one: a model of its own, and an experiment
        self.name = f"m-{uuid.uuid4().hex[:12]}"
        self.recipe = replace_fields(stages.recipe, {"registration.model": self.name, "name": self.name}, "a test")
        self.direct = self.world.direct()
        prefix.copy_to(self.direct)
        self.disturbed = self.world.disturbed(self.direct.model_copy(update={"state": stages.settings.state}), retry_s)

    @property
    def step(self) -> Step:
        """The step."""
        return next(step for step in trace(self.recipe) if step.id == self.step_id)

    def run(self) -> None:
        """One attempt; a process that is cut off from its servers ends."""
        stop = Stop()
        self.world.heal()
        gone = [(proxy, proxy.on_gone) for proxy in (self.world.s3, self.world.mlflow)]
        for proxy, then in gone:
            proxy.on_gone = partial(_also, then, lambda: stop.request("cut off"))
        try:
            self.reference = self.stages.run(self.recipe, self.step_id, "run", self.disturbed, self.outputs, stop)
        finally:
            for proxy, then in gone:
                proxy.on_gone = then

    def state(self) -> dict[str, object]:
        """Store, ledger and MLflow."""
        artifacts = open_artifacts(self.direct)
        keys = stored(artifacts)
        manifests = self._manifests(artifacts)
        assert len(manifests) == 1, f"{len(manifests)} results of one fingerprint"
        server = MlflowServer(self.direct)
        found: dict[str, object] = {"metrics": self._metrics(server), "runs": self._runs(server)}
        if not self.step.component.effect:
            return found | {"keys": keys}
        ledger = Ledger(artifacts.store, self.name)
        entries = [(entry.number, entry.decision, entry.digest) for entry in ledger.newest_first(ledger.head())]
        assert len(entries) == 1, f"the ledger has {len(entries)} entries"
        assert all(artifacts.resolve(entry.challenger.model) for entry in ledger.newest_first(ledger.head())), "the champion is lost"
        # times and names of the run are in the files of this artifact
        paths = tuple(sorted(entry.path for entry in manifests[0].files))
        return found | {"entries": entries, "paths": paths, "aliases": read_aliases(server, self.name), "versions": self._versions(server)}

    def _manifests(self, artifacts: Artifacts) -> list[Manifest]:
        name = self.step.component.name
        found = [manifest for manifest in artifacts.manifests(name) if manifest.provenance.run == "run"]
        for manifest in found:
            assert artifacts.store.head(pointer_key(name, manifest.fingerprint)), "the result is not the current one"
        return found

    def _versions(self, server: MlflowServer) -> list[str]:
        rows = server.call("GET", "model-versions/search", {"filter": f"name='{self.name}'"}).get("model_versions", [])
        return [row["version"] for row in rows]

    def _runs(self, server: MlflowServer) -> list[str]:
        return sorted(row["info"]["run_name"] for row in self._rows(server))

    def _metrics(self, server: MlflowServer) -> list[tuple[str, int, float]]:
        """Every point of the step's metric, once for each that MLflow holds."""
        points = []
        for row in self._rows(server):
            asked = {"run_id": row["info"]["run_id"], "metric_key": "loss"}
            points += [
                (point["key"], int(point.get("step", 0)), point["value"])
                for point in server.call("GET", "metrics/get-history", asked).get("metrics", [])
            ]
        return sorted(points)

    def _rows(self, server: MlflowServer) -> list[dict[str, Any]]:
        experiment = server.call("GET", "experiments/get-by-name", {"experiment_name": self.name})["experiment"]["experiment_id"]
        return server.call("POST", "runs/search", {"experiment_ids": [experiment], "max_results": 100}).get("runs", [])


class ResumedCase(StageCase):
    """A training in whose store an attempt left two checkpoints."""

    def __init__(self, stages: Stages, step_id: str, retry_s: float) -> None:
        super().__init__(stages, step_id, retry_s)
        stages.preempted_at = STEPS - 1
        try:
            stages.run(self.recipe, step_id, "run", self.direct, self.outputs)
        except Preempted:
            stages.preempted_at = None
        stages.trained.clear()

    def state(self) -> dict[str, object]:
        """As of a stage; no step is trained again that has a checkpoint."""
        assert set(self.stages.trained) == {STEPS}, f"steps {self.stages.trained} were trained after step {STEPS - 1}"
        return super().state()


def _also(*actions: Callable[[], object]) -> None:
    for action in actions:
        action()
