"""The recipe of a run cannot be replaced between its plan and its steps."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException
from fixtures.airflow_task import Run

from pipeline.launchers.process.operator import ProcessOperator
from pipeline.operators.xcom import KEY


@pytest.mark.parametrize(
    ("section", "field", "value"), [("registration", "model", "another"), ("data", "shard_mb", 1), ("finetuning", "steps", 1)]
)
def test_a_recipe_that_was_edited_in_airflow_is_refused(make_line, section, field, value):
    line = make_line()
    run = Run(line.recipe, f"{line.recipe.name}-1", line.settings)
    run.xcoms["plan", KEY]["recipe"][section][field] = value
    with pytest.raises(AirflowFailException, match=rf"ingestion: the recipe of {run.name} is not the one it was planned with"):
        run.execute(run.operator(ProcessOperator, "ingestion"))
    assert list(line.artifacts.store.list("manifests/")) == []
