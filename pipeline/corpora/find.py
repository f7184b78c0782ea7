"""Find a corpus by what people call it: its recipe, a run, a version of a model, or its own fingerprint."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.base import NotFound
from pipeline.artifacts.sealed import read_record
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput, unknown_name
from pipeline.monitoring.find_corpus import find_corpus
from pipeline.registry.version_names import model_of_version
from pipeline.runs.names import recipe_of_run
from pipeline.runs.records import plan_key, request_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest
    from pipeline.settings import Settings

STAGE = "ingestion"
"""The stage that makes corpora."""

PREFIX = re.compile(r"[0-9a-f]{6,64}(/[0-9a-f]{1,64})?")
"""First digits of a fingerprint, and of the digest of one of its results."""


def corpus_called(name: str, artifacts: Artifacts, settings: Settings, recipes: Iterable[str] = ()) -> Manifest:
    """The corpus that a person means.

    Args:
        name: a recipe (its newest corpus), a run, a registered version such as ``pydocs@champion``, or the first digits of a fingerprint, with
            ``/digest`` for a result that is not the current one.
        artifacts: the artifacts of the store.
        settings: of the store and MLflow.
        recipes: names of the recipes in the folders, for suggestions.

    Raises:
        BadInput: nothing has that name; the near one is suggested.
    """
    if "@" in name or re.fullmatch(r"[a-z0-9_-]+/\d+", name):
        return find_corpus(artifacts, model_of_version(name, settings)[1])
    if PREFIX.fullmatch(name):
        found = _by_fingerprint(name, artifacts)
        if found:
            return found
    runs = sorted({stat.key.split("/")[1] for stat in artifacts.store.list("runs/")})
    if name in runs:
        corpus = corpus_of_run(artifacts, name)
        if corpus is None:
            raise BadInput(f"run {name} has no corpus: its ingestion has not ended", "", "wait for it, or see `trainshed watch`")
        return corpus
    newest = next(corpora_of_recipe(artifacts, name), None)
    if newest is None:
        known = {*recipes, *filter(None, map(recipe_of_run, runs))}
        if name in known:
            raise BadInput(f"recipe {name} has no corpus in {artifacts.store.url}", "", f"run `trainshed run {name}`")
        raise unknown_name("recipe, run or corpus", name, known or runs)
    return newest


def corpora_of_recipe(artifacts: Artifacts, recipe: str) -> Iterator[Manifest]:
    """The corpora that runs of a recipe used, those of the newest run first; each result once.

    Args:
        artifacts: the artifacts of the store.
        recipe: name of the recipe.
    """
    begun = {
        run: stat.modified
        for stat in artifacts.store.list(f"runs/{recipe}")
        if (run := stat.key.split("/")[1]) and stat.key == plan_key(run) and recipe_of_run(run) == recipe
    }
    seen: set[tuple[str, str]] = set()
    for run in sorted(begun, key=lambda run: (begun[run], run), reverse=True):
        # other lines make corpora of fresh examples
        corpus = corpus_of_run(artifacts, run) if _read(artifacts, plan_key(run)).get("line") == "train" else None
        if corpus and (corpus.fingerprint, corpus.digest) not in seen:
            seen.add((corpus.fingerprint, corpus.digest))
            yield corpus
    # runs are collected after a while, artifacts that a champion relies on are not
    for manifest in sorted(artifacts.manifests(STAGE), key=lambda one: one.provenance.finished, reverse=True):
        own_corpus = recipe_of_run(manifest.provenance.run) == recipe and "learned" not in manifest.inputs
        if own_corpus and (manifest.fingerprint, manifest.digest) not in seen:
            yield manifest


def corpus_of_run(artifacts: Artifacts, run: str) -> Manifest | None:
    """The corpus that a run found or made; None if it has none."""
    row: dict[str, Any] = next((step for step in _read(artifacts, plan_key(run)).get("steps", ()) if step["stage"] == STAGE), {})
    reference = row.get("reference")
    if reference:
        return artifacts.manifest_store.get(STAGE, reference["fingerprint"], reference["digest"])
    fingerprint = _read(artifacts, request_key(run, row.get("id", STAGE))).get("fingerprint") or row.get("fingerprint")
    found = artifacts.find(STAGE, fingerprint) if fingerprint else None
    return found if found and found.type is ArtifactType.CORPUS else None


def _read(artifacts: Artifacts, key: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = read_record(artifacts.store, key, json.loads)
    except (NotFound, ValueError):
        return {}
    return found


def _by_fingerprint(name: str, artifacts: Artifacts) -> Manifest | None:
    """The one corpus whose fingerprint begins so; None if there is none.

    Raises:
        BadInput: several begin so.
    """
    addresses = [address for address, _ in artifacts.manifest_store.references(f"{STAGE}/{name}")]
    fingerprints = {fingerprint for _, fingerprint, _ in addresses}
    if len(fingerprints) > 1:
        raise BadInput(f"{len(fingerprints)} corpora begin with {name}", "one", "write more digits")
    if not addresses:
        return None
    current = artifacts.find(STAGE, addresses[0][1]) if "/" not in name else None
    return current or artifacts.manifest_store.get(*addresses[0])
