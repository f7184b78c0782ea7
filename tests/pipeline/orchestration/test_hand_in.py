"""Handing in a recipe file."""

import pytest
from fixtures.airflow_home import RECIPE

from pipeline.errors import BadInput
from pipeline.orchestration.hand_in import hand_in
from pipeline.recipe import recipe_files
from pipeline.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(state=tmp_path / "state")


def handed_in(settings):
    return sorted(path.name for path in settings.recipe_folders[-1].glob("*"))


def test_a_recipe_is_copied_beside_the_stacks_own(tmp_path, settings):
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE.format(name="mine"))
    assert hand_in(path, settings).name == "mine"
    assert recipe_files(settings.recipe_folders)["mine"].read_text() == path.read_text()
    assert handed_in(settings) == ["mine.origin", "mine.yaml"]


def test_the_same_file_may_be_edited_and_handed_in_again(tmp_path, settings):
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE.format(name="mine"))
    hand_in(path, settings)
    path.write_text(RECIPE.format(name="mine").replace("width: 64", "width: 32"))
    hand_in(path, settings)
    assert "width: 32" in recipe_files(settings.recipe_folders)["mine"].read_text()


def test_another_recipe_of_that_name_is_refused(tmp_path, settings):
    for folder, width in (("one", 64), ("two", 32)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(RECIPE.format(name="mine").replace("width: 64", f"width: {width}"))
    hand_in(tmp_path / "one" / "mine.yaml", settings)
    with pytest.raises(BadInput, match="there is another recipe called 'mine'"):
        hand_in(tmp_path / "two" / "mine.yaml", settings)
    assert "width: 64" in recipe_files(settings.recipe_folders)["mine"].read_text()


def test_an_equal_file_from_elsewhere_is_fine(tmp_path, settings):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(RECIPE.format(name="mine"))
        assert hand_in(tmp_path / folder / "mine.yaml", settings).name == "mine"


def test_a_wrong_recipe_is_refused_and_nothing_is_copied(tmp_path, settings):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    with pytest.raises(BadInput, match=r"mine\.yaml"):
        hand_in(path, settings)
    assert handed_in(settings) == []
