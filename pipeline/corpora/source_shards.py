"""``sources.json`` of a corpus of several sources: which shard has documents of which source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SOURCES = "sources.json"


def write_sources(names: Sequence[str], sources: Sequence[int], shards: Sequence[Sequence[str]], output: Path) -> None:
    """Write the file.

    Args:
        names: of the sources, in the order of the recipe.
        sources: place of each bundle's source.
        shards: of each bundle.
        output: folder of the corpus.
    """
    found: dict[str, list[str]] = {name: [] for name in names}
    for source, bundle in zip(sources, shards, strict=True):
        found[names[source]] += bundle
    rows = [{"name": name, "shards": sorted(of_source)} for name, of_source in found.items()]
    (output / SOURCES).write_text(json.dumps({"sources": rows}, indent=1) + "\n", encoding="utf-8")


def sources_of_shards(folder: Path) -> dict[str, str]:
    """The source of each shard by its file name; empty for a corpus of one source.

    Args:
        folder: of the corpus.
    """
    place = folder / SOURCES
    rows = json.loads(place.read_bytes())["sources"] if place.is_file() else ()
    return {shard: row["name"] for row in rows for shard in row["shards"]}
