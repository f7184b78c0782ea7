"""Machine sizes that a launcher, or a step, cannot use are refused before a run begins."""

import re

import pytest

from pipeline.errors import BadInput
from pipeline.launchers.check_sizes import check_sizes
from pipeline.lines import trace
from pipeline.recipe import Resources, read_recipe
from pipeline.recipe.overrides import override
from pipeline.recipe.recipe import check_recipe
from pipeline.settings import Settings


@pytest.fixture
def recipe(recipe_folder):
    return read_recipe(recipe_folder / "first.yaml")


def test_several_nodes_are_for_the_launcher_that_can_and_for_what_trains(recipe, tmp_path):
    for step, launcher, words in [
        ("pretraining", "process", "one node for the launcher process; fix: use the launcher trainjob"),
        ("pretraining", "kubernetes", "one node for the launcher kubernetes"),
        ("evaluation", "trainjob", "'gpu-8x2' of evaluation is 2 nodes; expected one node: only steps that train"),
    ]:
        asked = override(recipe, {f"resources.{step}": "gpu-8x2"})
        with pytest.raises(BadInput, match=re.escape(words)):
            check_sizes(asked, Settings(state=tmp_path, launcher=launcher))
    check_sizes(override(recipe, {"resources.pretraining": "gpu-8x2"}), Settings(state=tmp_path, launcher="trainjob"))


def test_a_size_for_a_step_the_recipe_leaves_out_is_refused(recipe, tmp_path):
    without = recipe.model_copy(update={"pretraining": None, "resources": Resources({"pretraining": "gpu-8"})})
    with pytest.raises(BadInput, match=r"unknown step in resources.*'pretraining'"):
        check_sizes(without, Settings(state=tmp_path))


def test_a_recipe_may_name_a_size_for_each_step_of_the_line_and_no_other(recipe, tmp_path):
    sizes = {step.id: "cpu-small" for step in trace(recipe)}
    check_sizes(check_recipe({**recipe.model_dump(mode="json"), "resources": sizes}, "first.yaml"), Settings(state=tmp_path))
    wrong = check_recipe({**recipe.model_dump(mode="json"), "resources": {"pretrainin": "gpu-8"}}, "first.yaml")
    with pytest.raises(BadInput, match=r"unknown step in resources.*'pretrainin'.*did you mean 'pretraining'"):
        check_sizes(wrong, Settings(state=tmp_path))
