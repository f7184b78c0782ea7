"""Save the promotion ledger, and what is to be forgotten, to a folder, or put it back: ``python infra/backup/ledger.py save|restore FOLDER``.

They are the only parts of the store that cannot be recomputed: which model is champion, and why; which documents people asked to forget. ``TRAINSHED_STORE`` names the
store, so this also moves a ledger to another bucket. Entries are put if absent: restoring twice is harmless, restoring into a ledger
with other entries fails, and a bucket policy that requires conditions is satisfied. An entry that is damaged in the store is
replaced. Our policy of a bucket refuses that, because it protects entries: there, an administrator deletes the damaged object first.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.artifacts import open_store
from pipeline.artifacts.base import Conflict, Store
from pipeline.artifacts.manifest import from_sealed, to_sealed
from pipeline.artifacts.sealed import read_sealed
from pipeline.erasure.tombstones import ROOT as FORGOTTEN
from pipeline.erasure.tombstones import Tombstone
from pipeline.errors import BadInput, TrainshedError
from pipeline.registry.ledger import ROOT
from pipeline.registry.ledger_entry import LedgerEntry
from pipeline.settings import load_settings


def save(store: Store, folder: Path) -> int:
    """Write every entry of every model to a file; existing files are kept, because an entry never changes.

    Raises:
        Damaged: an entry is damaged in the store.
    """
    count = 0
    for stat in (*store.list(f"{ROOT}/"), *store.list(f"{FORGOTTEN}/")):
        path = folder / stat.key
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".part").write_bytes(to_sealed(read_sealed(store, stat.key)))
            path.with_suffix(".part").rename(path)
            count += 1
    return count


def restore(store: Store, folder: Path) -> int:
    """Put every entry back, in order, so that an interrupted restore leaves a valid, shorter ledger.

    Raises:
        BadInput: there is nothing to restore, a file is no entry, or the store has another entry in its place.
    """
    paths = [*sorted((folder / ROOT).glob("*/*.json")), *sorted((folder / FORGOTTEN).glob("*.json"))]
    if not paths:
        raise BadInput(f"no entries below {folder / ROOT}", "a folder that save wrote", "name that folder")
    for path in paths:
        key, data = path.relative_to(folder).as_posix(), path.read_bytes()
        try:
            (Tombstone if key.startswith(f"{FORGOTTEN}/") else LedgerEntry).model_validate(from_sealed(data))
        except ValueError as error:
            raise BadInput(f"{path} is not a ledger entry", "a complete file that save wrote", "use another backup") from error
        put(store, key, data)
    return len(paths)


def put(store: Store, key: str, data: bytes) -> None:
    """Write one entry, where there is none or a damaged one.

    Raises:
        BadInput: the store has another entry.
    """
    try:
        store.put(key, data, if_absent=True)
    except Conflict as error:
        there = store.get(key)
        try:
            if from_sealed(there.data) == from_sealed(data):
                return
        except ValueError:
            store.put(key, data, if_match=there.etag)
            return
        raise BadInput(f"{store.url} has another entry at {key}", "the same entry, or none", "restore into an empty prefix") from error


def main(arguments: list[str]) -> int:
    """Run the command line and print one line about the result."""
    try:
        if len(arguments) != 2 or arguments[0] not in {"save", "restore"}:
            raise BadInput(f"arguments {' '.join(arguments) or '(none)'}", "save FOLDER, or restore FOLDER", "correct them")
        store, folder = open_store(load_settings()), Path(arguments[1])
        count = save(store, folder) if arguments[0] == "save" else restore(store, folder)
    except TrainshedError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{'saved' if arguments[0] == 'save' else 'restored'} {count} entries")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
