"""What the watch of a recipe's source remembers in the store: the newest digest it announced, and whether a run began for it.

An announcement may get lost: Airflow sends an Asset's event only after the task has succeeded, and a paused DAG starts no run. So a
digest counts as new until a run has begun for it. The watch announces it again at its next time, unless a run is waiting or running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.base import Conflict, NotFound, Stored
from pipeline.artifacts.manifest import Frozen

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.artifacts.base import Store


class Announced(Frozen):
    """The newest announcement."""

    digest: str
    """Digest of the source, as 64 hexadecimal digits."""

    run: str | None = None
    """Name of the first run that began for it."""


def watch_key(recipe: str) -> str:
    """Key of the record of a recipe."""
    return f"watch/{recipe}.json"


def announce(store: Store, recipe: str, digest: str, *, waiting: bool) -> bool:
    """Decide whether a digest is announced, and record it before it is.

    Args:
        store: where the record is.
        recipe: name of the recipe.
        digest: of the source as it is now.
        waiting: whether a run of the recipe is queued or running.

    Returns:
        True if it has to be announced: it differs from the newest one, or no run began for that one and none is coming.
    """
    while True:
        stored, record = _read(store, recipe)
        if record and record.digest == digest:
            return record.run is None and not waiting
        if _written(store, recipe, Announced(digest=digest), stored):
            return True


def begin(store: Store, recipe: str, digests: Collection[str], run: str) -> None:
    """Record that a run began for the newest announcement, if the run was started by it.

    Args:
        store: where the record is.
        recipe: name of the recipe.
        digests: those of the announcements that started the run.
        run: name of the run.
    """
    while True:
        stored, record = _read(store, recipe)
        if record is None or record.run is not None or record.digest not in digests:
            return
        if _written(store, recipe, record.model_copy(update={"run": run}), stored):
            return


def _read(store: Store, recipe: str) -> tuple[Stored | None, Announced | None]:
    """The record as it is stored; a damaged one counts as none, because the worst that follows is one more announcement."""
    try:
        stored = store.get(watch_key(recipe))
    except NotFound:
        return None, None
    try:
        return stored, Announced.model_validate_json(stored.data)
    except ValueError:
        return stored, None


def _written(store: Store, recipe: str, record: Announced, before: Stored | None) -> bool:
    """Write the record; False if it has changed since it was read."""
    try:
        store.put(watch_key(recipe), record.model_dump_json().encode(), if_absent=before is None, if_match=before.etag if before else None)
    except Conflict:
        return False
    return True
