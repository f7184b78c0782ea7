"""Check the given models of a recipe before its first step, as far as they are within reach: imported models, champions, or files not fetched yet."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipeline.errors import TrainshedError, in_field
from pipeline.families.base_facts import facts_of, parse_object
from pipeline.recipe.check_base import check_base
from pipeline.recipe.start import FOLDER, S3, Start, champion_of
from pipeline.starts import facts_of_start

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest
    from pipeline.families.base_facts import BaseFacts
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

CONFIG = "config.json"


def check_planned_base(recipe: Recipe, settings: Settings, artifacts: Artifacts, made: Manifest | None) -> None:
    """Check the base of a run in which a step trains.

    Args:
        recipe: names the base in ``model.start``.
        settings: where files and servers are.
        artifacts: holds imported models and champions.
        made: the base as an artifact; None if its import has still to run.

    Raises:
        BadInput: it does not fit the recipe, or cannot be used.
        Unavailable: the place of its files is unreachable.
    """
    facts = _facts(recipe.model.start or "", settings, artifacts, made)
    if facts:
        check_base(recipe, facts)


def check_planned_names(recipe: Recipe, settings: Settings, artifacts: Artifacts, made: Manifest | None) -> None:
    """Check the model that finds names, of a run in which a step cleans; arguments and errors as of `check_planned_base`."""
    block = recipe.data.model_block
    if block is None or block.given_model is None:
        return
    try:
        facts = _facts(block.given_model, settings, artifacts, made)
    except TrainshedError as error:
        raise in_field(error, "data.cleaning.model") from error
    if facts:
        block.check_classes(facts.classes)


def check_base_here(recipe: Recipe, settings: Settings) -> None:
    """Check the base of a recipe if it is on this machine; no server is asked.

    Raises:
        BadInput: it does not fit the recipe, or cannot be used.
    """
    address = recipe.model.start
    if address is None or champion_of(address):
        return
    start = Start(address=address)
    if start.kind == S3 or (start.kind == FOLDER and not (settings.home / Path(address).expanduser()).exists()):
        return
    facts = facts_of_start(start, settings)
    if facts:
        check_base(recipe, facts)


def _facts(address: str, settings: Settings, artifacts: Artifacts, made: Manifest | None) -> BaseFacts | None:
    """What is known of a given model; None where nothing is."""
    if made:
        return _facts_of(artifacts, made)
    return None if champion_of(address) else facts_of_start(Start(address=address), settings)


def _facts_of(artifacts: Artifacts, made: Manifest) -> BaseFacts | None:
    """What the configuration of a model in the store says; it is read through the cache."""
    with TemporaryDirectory() as folder:
        place = artifacts.open(made, Path(folder), (CONFIG,))
        return facts_of(parse_object(CONFIG, (place / CONFIG).read_bytes()))
