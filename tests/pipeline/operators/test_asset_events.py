"""Asset events of steps whose earlier attempt committed the artifact and died before Airflow heard of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from fixtures.airflow_task import Run
from fixtures.line import Heard

from pipeline.launchers.process.operator import ProcessOperator
from pipeline.lines import trace
from pipeline.local.run import run_local
from pipeline.operators.assets import inlets, outlets
from pipeline.registry.ledger import Ledger

if TYPE_CHECKING:
    from airflow.sdk import Asset


@dataclass
class Event:
    """What a task adds to the event of one outlet."""

    extra: dict[str, Any] = field(default_factory=dict)
    added: list[tuple[Asset, dict[str, Any]]] = field(default_factory=list)

    def add(self, asset: Asset, extra: dict[str, Any]) -> None:
        self.added.append((asset, extra))


def retried(run: Run, step_id: str) -> tuple[dict[str, Any], Event]:
    """A retry of a step's task: what it returns, and its event."""
    operator = run.operator(ProcessOperator, step_id)
    step = next(step for step in trace(run.recipe) if step.id == step_id)
    operator.outlets, operator.inlets = outlets(run.recipe, step), inlets(run.recipe, step)
    event = Event()
    context = {**run.context(operator), "outlet_events": dict.fromkeys(operator.outlets, event)}
    return operator.execute(context), event


@pytest.mark.timeout(300)
def test_a_retry_that_finds_its_own_artifact_still_sends_the_events(make_line):
    line = make_line()
    run = Run(line.recipe, f"{line.recipe.name}-1", line.settings)
    outputs = run_local(line.recipe, run.name, line.settings, Heard())
    for step_id, reference in outputs.items():
        run.xcoms[step_id, "return_value"] = reference.model_dump(mode="json") if reference else None
    reference, event = retried(run, "ingestion")
    assert reference == outputs["ingestion"].model_dump(mode="json")
    assert event.extra["digest"] == outputs["ingestion"].digest
    _, event = retried(run, "registration")
    head = Ledger(line.artifacts.store, line.recipe.registration.model).head()
    ((asset, extra),) = event.added
    assert asset.uri == f"x-trainshed://{line.recipe.name}/promotion"
    assert (extra["version"], extra["run"]) == (head.challenger.version, run.name)
    # another run did not make them: its tasks are skipped, and send nothing
    other = Run(line.recipe, f"{line.recipe.name}-2", line.settings, xcoms=dict(run.xcoms))
    with pytest.raises(AirflowSkipException):
        retried(other, "registration")
