"""Explain a cache miss: the most similar artifact of the same stage, and what differs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.fingerprint import differences

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Parts

CANDIDATES = 8
"""How many of the newest artifacts of a stage are compared."""


def nearest(artifacts: Artifacts, parts: Parts) -> tuple[Manifest, list[str]] | None:
    """Return the artifact of the same stage with the fewest differences among the newest ones, and those differences.

    Returns:
        None when the store has no artifact of the stage.
    """
    candidates = [(manifest, differences(manifest.parts, parts)) for manifest in artifacts.newest(parts.component, CANDIDATES)]
    candidates = [(manifest, lines) for manifest, lines in candidates if lines]
    return min(candidates, key=lambda pair: len(pair[1]), default=None)


def why(found: tuple[Manifest, list[str]] | None) -> str:
    """The differences in one line."""
    if found is None:
        return "not cached"
    lines = found[1]
    rest = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + rest
