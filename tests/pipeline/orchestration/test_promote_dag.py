"""The DAG of the line `promote`: only where people are asked, one task for each of them, and a wrong one is reported."""

from __future__ import annotations

from airflow.sdk import TriggerRule
from fixtures.line import small_recipe

from pipeline.orchestration.dag import has_line, line_dag
from pipeline.recipe.overrides import replace_fields
from pipeline.settings import Settings


def test_people_are_asked_one_after_another_and_the_step_looks_at_every_end(tmp_path) -> None:
    recipe = replace_fields(small_recipe(tmp_path), {"registration.approval": {"people": 2, "from": ["ann", "bob"]}}, "a test")
    dag = line_dag(recipe, Settings(), line="promote")
    dag.validate()
    assert dag.dag_id == "small.promote"
    assert {task.task_id: set(task.upstream_task_ids) for task in dag.tasks} == {
        "plan": set(),
        "approval_1": {"plan"},
        "approval_2": {"plan", "approval_1"},
        "promotion": {"plan", "approval_2"},
    }
    assert dag.get_task("promotion").trigger_rule == TriggerRule.ALL_DONE
    assert [asset.uri for asset in dag.timetable.asset_condition.objects] == ["x-trainshed://small/proposal"]
    assert dag.max_active_runs > 1, "a proposal that waits blocks no newer one"


def test_without_approvals_there_is_no_such_dag(tmp_path) -> None:
    assert not has_line(small_recipe(tmp_path), "promote")
