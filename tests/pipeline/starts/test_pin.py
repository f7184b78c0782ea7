"""What a step reads from outside is found in its params, so that a rebuild can pin it again."""

from __future__ import annotations

from pipeline.artifacts.types import ArtifactType
from pipeline.lines import SourceInput, trace
from pipeline.recipe.recipe import check_recipe
from pipeline.starts.pin import source_of

RECIPE = {
    "name": "tiny",
    "data": {"source": {"kind": "jsonl", "path": "x.jsonl", "columns": {"target": "summary"}}, "split": {"salt": "s"}},
    "model": {"start": "models/bert"},
    "task": {"kind": "summarization"},
    "finetuning": {"steps": 10},
    "registration": {"model": "tiny"},
}


def test_each_step_that_takes_a_source_names_it_in_its_params_and_no_other_step_does() -> None:
    for step in trace(check_recipe(RECIPE, "tiny.yaml")):
        inputs = [origin.source for origin in step.inputs.values() if isinstance(origin, SourceInput)]
        assert [source_of(step.params)] == (inputs or [None])
        assert bool(inputs) == any(wanted.type is ArtifactType.SOURCE for wanted in step.component.inputs.values())
