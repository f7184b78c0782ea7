"""The trigger form: it has the values of the recipe and refuses what the recipe would refuse."""

import pytest
from airflow.sdk.exceptions import ParamValidationError

from pipeline.errors import BadInput
from pipeline.lines import trace
from pipeline.orchestration.trigger_form import forced, form, overrides, partition
from pipeline.recipe import read_recipe
from pipeline.recipe.overrides import override, replace_fields


@pytest.fixture
def recipe(recipe_folder):
    return read_recipe(recipe_folder / "first.yaml")


def params(recipe):
    return form(recipe, trace(recipe))


def test_an_unchanged_form_is_the_recipe(recipe):
    values = {name: param.resolve() for name, param in params(recipe).items()}
    assert override(recipe, overrides(values)) == recipe
    assert forced(values) == frozenset()


def test_a_field_carries_its_docstring_and_its_limits(recipe):
    param = params(recipe)["finetuning.learning_rate"]
    assert param.description.startswith("Peak learning rate")
    assert param.schema == {"title": "learning_rate", "section": "finetuning", "type": "number", "exclusiveMinimum": 0}


def test_every_leaf_of_the_sections_is_there(recipe):
    names = set(params(recipe))
    assert {
        "tokenizer.vocabulary",
        "model.context",
        "model.config",
        "pretraining.objective",
        "finetuning.steps",
        "resources.registration",
        "force",
    } <= names
    sections = {"tokenizer", "model", "pretraining", "finetuning", "resources", "force"}
    assert {name.partition(".")[0] for name in names} == sections


def test_what_decides_promotion_and_what_names_files_is_not_offered_and_refused(recipe):
    offered = params(recipe)
    for field in (
        "registration.gate.threshold",
        "registration.model",
        "evaluation.seed",
        "data.source.path",
        "data.split.salt",
        "tokenizer.given",
        "model.start",
    ):
        assert field not in offered
        with pytest.raises(BadInput, match=rf"^the trigger form: a run cannot change {field}; .*fix: edit the recipe file$"):
            override(recipe, overrides({field: 0}), "the trigger form")


def test_each_step_of_the_line_has_a_machine_size(recipe):
    larger = override(recipe, {"resources.finetuning": "gpu-8"})
    sizes = {name: param.value for name, param in params(larger).items() if name.startswith("resources.")}
    assert sizes == {f"resources.{step.id}": None for step in trace(recipe)} | {"resources.finetuning": "gpu-8"}
    assert params(recipe)["resources.finetuning"].description == "Machine size of finetuning; empty means gpu-1, the size in its contract."
    assert override(larger, {"resources.finetuning": None}) == recipe


def test_a_section_that_is_left_out_has_no_fields(recipe):
    without = recipe.model_copy(update={"pretraining": None})
    assert not [name for name in params(without) if name.startswith("pretraining")]


@pytest.mark.parametrize(
    ("name", "value"),
    [("finetuning.learning_rate", -1), ("finetuning.steps", 0), ("finetuning.precision", "fp8"), ("force", ["nosuch"])],
)
def test_a_wrong_value_is_refused_before_the_run(recipe, name, value):
    with pytest.raises(ParamValidationError):
        params(recipe)[name].resolve(value)


def test_an_optional_field_may_stay_empty(recipe):
    assert params(recipe)["resources.finetuning"].resolve(None) is None
    assert params(recipe)["resources.finetuning"].resolve("gpu-8") == "gpu-8"


def test_a_changed_field_changes_the_recipe(recipe):
    values = {name: param.resolve() for name, param in params(recipe).items()} | {
        "finetuning.learning_rate": 1e-4,
        "force": ["ingestion"],
    }
    assert override(recipe, overrides(values)).finetuning.learning_rate == 1e-4
    assert forced(values) == {"ingestion"}


def test_an_unknown_field_is_refused_with_the_near_name(recipe):
    with pytest.raises(BadInput, match=r"did you mean 'finetuning.learning_rate'"):
        override(recipe, overrides({"finetuning.learning_rat": 1}), "the trigger form")


@pytest.mark.parametrize(
    ("by", "right", "wrong"),
    [
        ("day", "2026-11-24", ["2026-13-01", "yesterday", "2026-11", 20261124]),
        ("week", "2026-11-24", ["2026-W48"]),
        ("month", "2026-11", ["2026-11-24", "November"]),
        ("hour", "2026-11-24T05", ["2026-11-24", "05"]),
    ],
)
def test_a_recipe_with_partitions_has_a_field_for_one(recipe, by, right, wrong):
    changes = {"data.source.path": "/data/{partition}", "data.source.partitions": {"by": by}}
    divided = replace_fields(recipe, changes, "a test")
    field = params(divided)["partition"]
    assert partition({"partition": field.resolve()}) is None
    assert partition({"partition": field.resolve(right)}) == right
    assert "partition" not in overrides({"partition": right})
    for value in wrong:
        with pytest.raises(ParamValidationError):
            field.resolve(value)


def test_only_a_line_that_reads_the_source_has_it(recipe):
    assert "partition" not in params(recipe)
    changes = {
        "data.source.path": "/data/{partition}",
        "data.source.partitions": {"by": "day"},
        "registration.approval": {"people": 1, "from": ["ann"]},
    }
    divided = replace_fields(recipe, changes, "a test")
    assert "partition" not in form(divided, trace(divided, "promote"))
