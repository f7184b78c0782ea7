"""The identity of intermediate results of several sources: what is made of one follows from the code that reads its kind.

So a source of another kind, added to a recipe, changes nothing about what was made of the others, and a recipe of several sources finds what a
recipe with one of them left in the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.fingerprint import code_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.artifacts.intermediates import What
    from pipeline.artifacts.manifest import Parts
    from pipeline.recipe.data import Data
    from pipeline.section import Section


def identity_of_kinds(data: Data, task: Section, parts_of: Callable[[Data], Parts]) -> Callable[[What], What]:
    """The identity of each result: of a cleaned chunk, or of the shards of a bundle of chunks.

    Args:
        data: of the recipe.
        task: of the recipe.
        parts_of: the parts of the step's fingerprint with one source.
    """
    found = {part.source.kind: code_identity(parts_of(data.of(part)), task) for part in data.parts}

    def identity(what: What) -> What:
        return found[_chunk_of(what)["source"]["kind"]]

    return identity


def _chunk_of(what: What) -> What:
    """What a chunk follows from, of itself or of something that was made of it: shards, or what was found in it."""
    if "source" in what:
        return what
    inner = next(what[name] for name in ("shards", "found", "units") if name in what)
    return _chunk_of(inner[0] if isinstance(inner, list) else inner)
