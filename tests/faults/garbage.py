"""Garbage collection, and a commit beside it, as actions of a sweep.

The store holds an artifact that a ledger entry relies on, and one that nothing relies on; they share a blob. A first collection
has marked the second one. Ages are counted from a time in the future, so everything is old enough to go.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from faults.sweep import Action
from faults.world import Prefix, stored
from fixtures.artifacts import draft, write_files

from pipeline.artifacts import open_store
from pipeline.artifacts.artifacts import Artifacts
from pipeline.artifacts.cache import Cache
from pipeline.artifacts.gc import Ages, collect
from pipeline.artifacts.manifest import to_sealed

if TYPE_CHECKING:
    from faults.world import World

    from pipeline.artifacts.manifest import Manifest
    from pipeline.settings import Settings

MARKED = datetime.now(UTC) + timedelta(days=60)
REMOVED = MARKED + timedelta(days=2)
FILES = {
    "champion": {"shared": "in both", "own": "of the champion"},
    "unused": {"shared": "in both", "old": "of the unused one", "other": "of the unused one too"},
    # it needs a blob that is marked
    "new": {"old": "of the unused one", "new": "of the new one"},
}


class Garbage:
    """The state that every case starts from."""

    def __init__(self, world: World) -> None:
        self.world, self.settings = world, world.direct()
        for name in ("champion", "unused"):
            manifest = self.commit(self.settings, name)
            if name == "champion":
                entry = {"decision": "promoted", "challenger": {"model": manifest.reference.model_dump(mode="json")}}
                self.open(self.settings).store.put("ledger/m/000001.json", to_sealed(entry))
        collect(self.open(self.settings), Ages(), MARKED)
        self.prefix = Prefix.of(self.settings)

    def open(self, settings: Settings) -> Artifacts:
        """The artifacts of a store; a commit writes again whatever it reuses, because everything counts as old."""
        return Artifacts(open_store(settings), Cache(settings.cache_folder, 64), refresh_after=timedelta(0))

    def commit(self, settings: Settings, name: str) -> Manifest:
        """Commit one of the artifacts."""
        folder = write_files(self.world.folder / uuid.uuid4().hex, FILES[name])
        return self.open(settings).commit(draft(name), folder)


def collection(garbage: Garbage) -> Action:
    """A collection that removes what is marked."""
    return Action("collection", garbage.world.s3, partial(GarbageCase, garbage, "collect", ""))


def beside(garbage: Garbage, what: str, meanwhile: str) -> Action:
    """``commit`` or ``collect``, and all of the other one at the fault ``meanwhile``; after it, where there is no fault.

    The commit reuses a blob that is marked.
    """
    return Action(f"{what} beside {meanwhile}", garbage.world.s3, partial(GarbageCase, garbage, what, meanwhile))


class GarbageCase:
    """A commit or a collection, and what happens meanwhile."""

    def __init__(self, garbage: Garbage, what: str, meanwhile: str) -> None:
        self.garbage, self.what, self.meanwhile, self.world = garbage, what, meanwhile, garbage.world
        self.direct = self.world.direct()
        garbage.prefix.copy_to(self.direct)
        # the copies have other times: mark them
        collect(garbage.open(self.direct), Ages(), MARKED)
        self.disturbed = self.world.disturbed(self.direct, retry_s=0.0)
        self.happened: list[str] = []
        self.world.s3.meanwhile = self.interfere

    def do(self, what: str, settings: Settings) -> None:
        """Commit, or collect."""
        if what == "commit":
            self.garbage.commit(settings, "new")
        elif what == "collect":
            collect(self.garbage.open(settings), Ages(), REMOVED)
        self.happened.append(what)

    def interfere(self) -> None:
        """The other one, from beginning to end."""
        self.do(self.meanwhile, self.direct)

    def run(self) -> None:
        """One attempt."""
        self.world.heal()
        self.do(self.what, self.disturbed)
        if self.meanwhile not in self.happened:
            self.interfere()

    def state(self) -> dict[str, object]:
        """What is there, but for marks; what is relied on is whole."""
        artifacts = self.garbage.open(self.direct)
        keys = frozenset(key for key in stored(artifacts) if not key.startswith("gc/"))
        names = sorted(manifest.parts.params["name"] for manifest in artifacts.manifests())
        assert "champion" in names, "the champion is gone"
        assert "new" in names or "commit" not in self.happened, "the commit is lost"
        return {"names": names, "keys": keys}
