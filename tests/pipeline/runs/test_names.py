"""Names of runs."""

import re

from pipeline.runs.names import new_run_name, recipe_of_run, run_name, trial_name


def test_an_airflow_run_id_becomes_a_name_for_keys_and_shells():
    assert run_name("pydocs", "manual__2026-01-02T03:04:05.678+00:00") == "pydocs-manual__2026-01-02T03-04-05.678-00-00"


def test_runs_of_two_recipes_at_the_same_minute_have_different_names():
    assert run_name("a", "scheduled__2026-01-02T00:00:00+00:00") != run_name("b", "scheduled__2026-01-02T00:00:00+00:00")


def test_a_name_made_here_is_its_own():
    name = new_run_name("pydocs")
    assert re.fullmatch(r"pydocs-\d{8}-\d{6}-[0-9a-f]{4}", name)
    assert run_name("pydocs", name) == name


def test_the_recipe_of_a_run_is_known_where_a_program_chose_the_id():
    for recipe in ("pydocs", "pydocs-topics"):
        assert recipe_of_run(new_run_name(recipe)) == recipe
        assert recipe_of_run(run_name(recipe, "asset_triggered__2026-01-02T00:00:00+00:00_x7")) == recipe
        assert recipe_of_run(run_name(f"{recipe}.promote", "manual__2026-01-02T00:00:00+00:00_x7")) == recipe
        assert recipe_of_run(trial_name(new_run_name(recipe), 3)) == recipe
        assert trial_name(recipe, 3) == f"{recipe}-t003"
    assert recipe_of_run("pydocs-mine") == ""
