"""Why a step runs again: the nearest artifact of its stage, and what differs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.fingerprint import differences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Parts

LOOKED_AT = 8


def nearest(artifacts: Artifacts, parts: Parts) -> tuple[Manifest, list[str]] | None:
    """The artifact of the same stage with the fewest differences among the newest few, and those differences.

    Returns:
        None when the stage never made anything.
    """
    candidates = [(manifest, differences(manifest.parts, parts)) for manifest in _newest(artifacts, parts.component)]
    candidates = [(manifest, lines) for manifest, lines in candidates if lines]
    return min(candidates, key=lambda pair: len(pair[1]), default=None)


def why(found: tuple[Manifest, list[str]] | None) -> str:
    """The differences in one line."""
    if found is None:
        return "never made before"
    lines = found[1]
    rest = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + rest


def _newest(artifacts: Artifacts, stage: str) -> Iterator[Manifest]:
    stats = sorted(artifacts.store.list(f"manifests/{stage}/"), key=lambda stat: stat.modified, reverse=True)
    for stat in stats[:LOOKED_AT]:
        manifest = artifacts.find(stage, stat.key.rpartition("/")[2].removesuffix(".json"))
        if manifest:
            yield manifest
