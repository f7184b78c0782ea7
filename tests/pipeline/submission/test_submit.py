"""Submit a recipe file, and wait for its DAG."""

import time
from types import SimpleNamespace

import pytest
from fixtures.airflow_home import RECIPE
from fixtures.answers import airflow, answers

from pipeline.errors import BadInput, Unavailable
from pipeline.recipe import read_recipe, recipe_files
from pipeline.settings import Settings
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.submit import submit_recipe, wait_for_dag

__all__ = ["airflow", "answers"]


@pytest.fixture
def settings(tmp_path):
    return Settings(state=tmp_path / "state")


def handed_in(settings):
    return sorted(path.name for path in settings.recipe_folders[-1].glob("*"))


def test_a_recipe_is_copied_beside_the_stacks_own(tmp_path, settings):
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE.format(name="mine"))
    assert submit_recipe(path, settings).name == "mine"
    assert recipe_files(settings.recipe_folders)["mine"].read_text() == path.read_text()
    assert handed_in(settings) == ["mine.origin", "mine.yaml"]


def test_the_same_file_may_be_edited_and_submitted_again(tmp_path, settings):
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE.format(name="mine"))
    submit_recipe(path, settings)
    path.write_text(RECIPE.format(name="mine").replace("d_model: 64", "d_model: 32"))
    submit_recipe(path, settings)
    assert "d_model: 32" in recipe_files(settings.recipe_folders)["mine"].read_text()


def test_another_recipe_of_that_name_is_refused(tmp_path, settings):
    for folder, width in (("one", 64), ("two", 32)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(RECIPE.format(name="mine").replace("d_model: 64", f"d_model: {width}"))
    submit_recipe(tmp_path / "one" / "mine.yaml", settings)
    with pytest.raises(BadInput, match="another recipe has the name 'mine'"):
        submit_recipe(tmp_path / "two" / "mine.yaml", settings)
    assert "d_model: 64" in recipe_files(settings.recipe_folders)["mine"].read_text()


def test_an_equal_file_from_elsewhere_is_fine(tmp_path, settings):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(RECIPE.format(name="mine"))
        assert submit_recipe(tmp_path / folder / "mine.yaml", settings).name == "mine"


def test_a_wrong_recipe_is_refused_and_nothing_is_copied(tmp_path, settings):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    with pytest.raises(BadInput, match=r"mine\.yaml"):
        submit_recipe(path, settings)
    assert handed_in(settings) == []


@pytest.fixture
def waiting(airflow, recipe_folder, monkeypatch):
    """Wait for the DAG of the recipe ``first``, which is not there; ``news`` are the import errors after each pause."""

    def wait(old, *news):
        of = airflow.of
        of["/api/v2/importErrors"] = (200, {"import_errors": old, "total_entries": len(old)})
        script, now = list(news), [0.0]

        def sleep(seconds):
            now[0] += seconds
            if script:
                errors = script.pop(0)
                of["/api/v2/importErrors"] = (200, {"import_errors": errors, "total_entries": len(errors)})

        monkeypatch.setattr("pipeline.submission.submit.time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
        began = time.monotonic()
        with pytest.raises((BadInput, Unavailable)) as raised:
            wait_for_dag(Airflow(Settings(airflow_url=airflow.url)), read_recipe(recipe_folder / "first.yaml"))
        assert time.monotonic() - began < 30
        return raised.value, now[0]

    return wait


def unparsed(file, why, seen="2026-01-02T03:04:05Z"):
    return {"filename": file, "timestamp": seen, "stack_trace": f"Traceback\npipeline.errors.BadInput: {why}\n"}


SIZES = "cannot read /x/machines.yaml: No such file; expected a YAML file of machine sizes; fix: correct TRAINSHED_MACHINES"


def test_a_recipe_that_airflow_finds_wrong_is_not_waited_for(waiting):
    error, waited = waiting([], [], [unparsed("invalid_recipes.py", f"recipe another: bad; recipe first: {SIZES}; recipe third: bad")])
    assert (error.exit_code, str(error)) == (2, f"Airflow makes no DAG first: {SIZES}")
    assert waited < 5


def test_a_setting_that_prevents_all_dags_is_an_error_at_once(waiting):
    error, waited = waiting([], [unparsed("train.py", "unknown launcher 'dcoker'; fix: did you mean 'docker'?")])
    assert (error.exit_code, str(error)) == (2, "Airflow makes no DAG first: unknown launcher 'dcoker'; fix: did you mean 'docker'?")
    assert waited < 5


def test_an_older_error_may_be_fixed_until_it_is_found_again(waiting):
    old = unparsed("invalid_recipes.py", f"recipe first: {SIZES}")
    error, waited = waiting([old], *[[old]] * 20, [{**old, "timestamp": "2026-01-02T03:04:20Z"}])
    assert error.exit_code == 2
    assert 5 < waited < 10


@pytest.mark.parametrize("other", [unparsed("invalid_recipes.py", "recipe firstborn: bad"), unparsed("theirs.py", "no module")])
def test_what_is_wrong_with_others_is_waited_out(waiting, other):
    error, waited = waiting([], [other])
    assert error.exit_code == 75
    assert waited >= 120
