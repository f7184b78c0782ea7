"""MachineSize sizes: what a name means, and what a person reads when one is wrong."""

from pathlib import Path

import pytest
from fixtures.airflow_home import RECIPE

from pipeline.errors import BadInput
from pipeline.lines import trace
from pipeline.machine_sizes import machine, machines
from pipeline.orchestration.recipes import read_recipes
from pipeline.recipe import read_recipe
from pipeline.recipe.overrides import override
from pipeline.settings import Settings

SMALL = "small: {cpus: 0.5, memory_mb: 256, scratch_mb: 100}\n"


@pytest.fixture
def recipe(recipe_folder):
    return read_recipe(recipe_folder / "first.yaml")


def written(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "sizes.yaml"
    path.write_text(text)
    return Settings(state=tmp_path, machines=path)


def test_the_sizes_in_git_are_those_the_contracts_ask_for(recipe, tmp_path):
    settings = Settings(state=tmp_path)
    assert {machine(step.component.resources, settings).gpus for step in trace(recipe)} == {0, 1}
    assert (machine("gpu-8", settings).gpus, machine("gpu-8x2", settings).nodes) == (8, 2)


def test_a_size_of_ones_own(tmp_path):
    found = machine("small", written(tmp_path, SMALL))
    assert (found.name, found.cpus, found.gpus, found.queue) == ("small", 0.5, 0, None)


def test_an_edited_file_is_read_again(tmp_path):
    settings = written(tmp_path, SMALL)
    assert list(machines(settings)) == ["small"]
    written(tmp_path, SMALL + SMALL.replace("small", "other"))
    assert list(machines(settings)) == ["small", "other"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SMALL.replace("memory_mb", "memry_mb"), ["memry_mb", "did you mean 'memory_mb'"]),
        (SMALL.replace("memory_mb: 256, ", ""), ["no memory_mb for small"]),
        (SMALL.replace("0.5", "0"), ["cpus = 0", "greater than 0"]),
        ("- a list", ["sizes.yaml", "valid dictionary"]),
        ("small: {", ["sizes.yaml is not YAML"]),
        (SMALL.replace("100}", "100, tolerations: [{key: a, effects: NoSchedule}]}"), ["effects", "did you mean 'effect'"]),
    ],
)
def test_a_wrong_file_is_answered_in_one_line(tmp_path, text, words):
    with pytest.raises(BadInput) as caught:
        machines(written(tmp_path, text))
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_missing_file_names_the_setting(tmp_path):
    with pytest.raises(BadInput, match=r"nosuch\.yaml.*TRAINSHED_MACHINES"):
        machines(Settings(state=tmp_path, machines=tmp_path / "nosuch.yaml"))


def test_an_unknown_size_is_answered_with_the_near_name(tmp_path):
    with pytest.raises(BadInput, match=r"unknown machine size 'gpu-9'.*did you mean 'gpu-\d'"):
        machine("gpu-9", Settings(state=tmp_path))


def test_a_size_is_no_part_of_any_steps_params(recipe):
    larger = override(recipe, {"resources.pretraining": "gpu-8"})
    assert larger.resources.of("pretraining", "gpu-1") == "gpu-8"
    assert larger.resources.of("finetuning", "gpu-1") == "gpu-1"
    assert [step.params for step in trace(larger)] == [step.params for step in trace(recipe)]


def test_a_recipe_with_an_unknown_size_stops_no_other(recipe_folder):
    (recipe_folder / "second.yaml").write_text(RECIPE.format(name="second") + "resources: {finetuning: gpu1}\n")
    found = read_recipes(Settings(state=recipe_folder.parent))
    assert "first" in {recipe.name for recipe in found.valid}
    assert ["unknown machine size 'gpu1'" in line for line in found.errors] == [True]
    # its own DAG stays as well: without it Airflow would neither go on with a run that has begun nor end it
    assert "second" in {recipe.name for recipe in found.valid}


def test_a_missing_file_of_sizes_takes_no_dag_away(recipe_folder, tmp_path):
    found = read_recipes(Settings(state=recipe_folder.parent, machines=tmp_path / "nowhere.yaml"))
    assert "first" in {recipe.name for recipe in found.valid}
    assert len(found.errors) == len(found.valid)
