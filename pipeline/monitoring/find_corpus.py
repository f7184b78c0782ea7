"""Which corpus a model learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest, Reference


def find_corpus(artifacts: Artifacts, model: Reference) -> Manifest:
    """The corpus that a model learned from: the nearest one among its inputs and theirs.

    Raises:
        BadInput: none of their manifests leads to one.
    """
    waiting, seen = [model], {model}
    while waiting:
        reference = waiting.pop(0)
        manifest = artifacts.resolve(reference)
        if manifest and manifest.type is ArtifactType.CORPUS:
            return manifest
        new = [found for found in manifest.inputs.values() if found not in seen] if manifest else []
        seen.update(new)
        waiting += new
    raise BadInput(f"the corpus of model {model.digest[:12]} is not in the store", "", "run the recipe again, or restore it from a backup")
