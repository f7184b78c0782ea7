"""The newest artifact of each recipe, for pages beside the page of all models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.runs.names import recipe_of_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest

READ = 100
"""Newest artifacts that are looked at."""


def newest_of_recipes(artifacts: Artifacts, stage: str, counts: Callable[[Manifest], bool] = lambda _: True) -> dict[str, Manifest]:
    """Recipe → the newest artifact that its runs made.

    Args:
        artifacts: the artifacts of the store.
        stage: their stage.
        counts: whether an artifact has a page.
    """
    found: dict[str, Manifest] = {}
    for manifest in artifacts.newest(stage, READ):
        recipe = recipe_of_run(manifest.provenance.run)
        if recipe and recipe not in found and counts(manifest):
            found[recipe] = manifest
    return found
