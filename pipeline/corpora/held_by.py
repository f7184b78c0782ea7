"""Everything in a store that holds documents which are to be forgotten, for people: artifacts, checkpoints, versions, served texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components import COMPONENTS
from pipeline.artifacts.base import CorruptObject, NotFound
from pipeline.artifacts.manifest import Reference
from pipeline.erasure.keys import document_keys
from pipeline.privacy.hide import mask

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.base import Store
    from pipeline.artifacts.manifest import Manifest
    from pipeline.erasure.holders import Holders


def open_trainings(artifacts: Artifacts, holders: Holders, held: Iterable[Manifest], wanted: Collection[int]) -> Iterator[str]:
    """Keys of the checkpoints of trainings that read such documents: of those that an artifact or a request of a run leads to.

    Args:
        artifacts: the artifacts of the store.
        holders: finds out what artifacts hold.
        held: the artifacts that hold them.
        wanted: numbers of the entries that count.
    """
    keys = [stat.key for stat in artifacts.store.list("training/")]
    if not keys:
        return
    states = {
        manifest.parts.training_state(COMPONENTS.load(manifest.stage).budget)
        for manifest in held
        if manifest.stage in COMPONENTS and COMPONENTS.load(manifest.stage).trains
    }
    for request in _requests(artifacts.store):
        inputs = [Reference.model_validate(one) for one in request.get("inputs", {}).values()]
        if any(holders.entries_of(one) & set(wanted) for one in inputs):
            states.add(request["fingerprint"])
    yield from (key for key in keys if key.split("/")[1] in states)


def served_objects(store: Store, texts: Collection[str], redacted: Iterable[str] = ()) -> Iterator[tuple[str, int]]:
    """Objects of the log of served texts that hold some texts, each with the number of its lines that do.

    Args:
        store: holds the log.
        texts: digests of texts, see `pipeline.erasure.keys`.
        redacted: the texts themselves, where they are known: the log holds redacted ones.
    """
    wanted = {*texts, *(key for text in redacted for key in document_keys(mask(text), None))}
    for stat in store.list("served/"):
        try:
            lines = store.get(stat.key).data.splitlines()
        except (NotFound, CorruptObject):
            continue
        count = sum(not wanted.isdisjoint(_keys(line)) for line in lines)
        if count:
            yield stat.key, count


def _keys(line: bytes) -> Iterator[str]:
    try:
        row = json.loads(line)
        text, pair = row["text"], row.get("pair")
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    if isinstance(text, str):
        yield from document_keys(text, pair if isinstance(pair, str) else None)


def _requests(store: Store) -> Iterator[dict[str, Any]]:
    """The requests of all runs in the store."""
    for stat in store.list("runs/"):
        if stat.key.endswith("/request.json"):
            try:
                yield json.loads(store.get(stat.key).data)
            except (NotFound, ValueError):
                continue
