"""What cleaning is given beside the recipe and the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.erasure.tombstones import Forgotten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.runtime import Opened


class GivenModel(NamedTuple):
    """A model that cleaning runs: where it is, and which one it is."""

    folder: Path
    digest: str
    """Content digest of the artifact: what the model finds is part of what a cleaned chunk is."""


class CleaningInputs(NamedTuple):
    """Documents to leave out, and models."""

    forgotten: Forgotten = Forgotten()
    """Documents to leave out; they are counted as ``filtered_forgotten``."""

    classifier: GivenModel | None = None
    """Filters what does not look like a reference text, counted as ``quality``."""

    names: GivenModel | None = None
    """Finds names of people, counted as ``private_name``."""

    @classmethod
    def of(cls, inputs: Mapping[str, Opened], forgotten: Forgotten) -> CleaningInputs:
        """Those of a step, by the names of its inputs."""
        found = (inputs.get(name) for name in ("quality", "names"))
        return cls(forgotten, *(GivenModel(each.folder, each.manifest.digest) if each else None for each in found))


NOTHING_GIVEN = CleaningInputs()
