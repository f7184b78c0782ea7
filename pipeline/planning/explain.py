"""Explain a cache miss: the most similar artifact of the same stage, and what differs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.fingerprint import differences
from pipeline.runs.names import recipe_of_run

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Parts

CANDIDATES = 8
"""How many artifacts are compared."""

READ = 40
"""Among how many of the newest artifacts of a stage those of the recipe are looked for."""


def nearest(artifacts: Artifacts, parts: Parts, recipe: str) -> tuple[Manifest, list[str]] | None:
    """Return the artifact of the same stage with the fewest differences among the newest ones, and those differences.

    Artifacts that runs of the same recipe made come first: another recipe differs on purpose, which explains nothing.

    Args:
        artifacts: the artifacts of the store.
        parts: the parts of the fingerprint to explain.
        recipe: name of the recipe.

    Returns:
        None when the store has no other artifact of the stage.
    """
    own: list[tuple[Manifest, list[str]]] = []
    others: list[tuple[Manifest, list[str]]] = []
    for manifest in artifacts.newest(parts.component, READ):
        lines = differences(manifest.parts, parts)
        if lines:
            (own if recipe_of_run(manifest.provenance.run) == recipe else others).append((manifest, lines))
        if len(own) == CANDIDATES:
            break
    return min(own or others[:CANDIDATES], key=lambda pair: len(pair[1]), default=None)


def why(found: tuple[Manifest, list[str]] | None) -> str:
    """The differences in one line."""
    if found is None:
        return "not cached"
    lines = found[1]
    rest = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + rest
