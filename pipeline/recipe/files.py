"""Recipe files: find one by name, read one from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.constructor import ConstructorError

from pipeline.errors import BadInput, unknown_name
from pipeline.recipe.cron import check_times
from pipeline.recipe.experiment_checks import check_experiment
from pipeline.recipe.recipe import Recipe, check_recipe

if TYPE_CHECKING:
    from collections.abc import Iterable


class _UniqueKeys(yaml.SafeLoader):
    """A safe loader that refuses a key that occurs twice: YAML would silently keep the last value."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401 - the stubs are wrong about its type
        """Read a mapping, before ``<<`` merges others into it.

        Raises:
            ConstructorError: a key occurs twice.
        """
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise ConstructorError(None, None, f"duplicate key {key.value!r}", key.start_mark)
                seen.add((key.tag, key.value))
        return node


def recipe_files(folders: Iterable[Path]) -> dict[str, Path]:
    """Files ``<name>.yaml`` in ``folders`` by name; an earlier folder wins."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def read_recipe(path: Path) -> Recipe:
    """Read and check one recipe file.

    Raises:
        BadInput: the file does not exist, is not YAML, or is not a valid recipe.
    """
    try:
        data = yaml.load(path.read_bytes(), _UniqueKeys)  # noqa: S506 - a safe loader, see there
    except OSError as error:
        raise BadInput(f"cannot read recipe {path}: {error.strerror}", "a YAML file", "check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" at line {place.line + 1}" if place else ""
        raise BadInput(f"{path.name} is not valid YAML{where}: {getattr(error, 'problem', error)}", "", "correct the file") from error
    recipe = check_recipe(data, path.name)
    if recipe.schedule:
        check_times(recipe.schedule, path.name)
    if recipe.experiment:
        check_experiment(recipe, path.name)
    for part in recipe.data.parts:
        if part.source.partition is not None:
            raise BadInput(f"{path.name}: {part.field}.partition in a recipe file", "", "remove it, and say --partition when a run starts")
    if recipe.name != path.stem:
        raise BadInput(f"{path.name}: name = {recipe.name!r}", f"{path.stem!r}, like the file", "rename the recipe or the file")
    return recipe


def find_recipe(name: str, folders: Iterable[Path]) -> Recipe:
    """Read the recipe called ``name``.

    Raises:
        BadInput: there is none (the near name is suggested), or it is invalid.
    """
    files = recipe_files(folders)
    if name not in files:
        raise unknown_name("recipe", name, files)
    return read_recipe(Path(files[name]))
