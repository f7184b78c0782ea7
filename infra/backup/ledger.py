"""Save the promotion ledger to a folder, or put it back: ``python infra/backup/ledger.py save|restore FOLDER``.

The ledger is the one thing in the store that nothing can be recomputed from: who is champion, and why. It is read from, and written to,
the store that ``TRAINSHED_STORE`` names, so it also moves a ledger to another bucket. An entry is put if absent: restoring twice is
harmless, restoring into a ledger that went on otherwise is refused, and a bucket's policy that wants conditions is met.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.artifacts import open_store
from pipeline.artifacts.base import Conflict, Store
from pipeline.errors import BadInput, TrainshedError
from pipeline.registry.ledger import ROOT
from pipeline.registry.ledger_entry import LedgerEntry
from pipeline.settings import load_settings


def save(store: Store, folder: Path) -> int:
    """Write every entry of every model to a file; those that are there already are left, for an entry never changes."""
    count = 0
    for stat in store.list(f"{ROOT}/"):
        path = folder / stat.key
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".part").write_bytes(store.get(stat.key).data)
            path.with_suffix(".part").rename(path)
            count += 1
    return count


def restore(store: Store, folder: Path) -> int:
    """Put every entry back, those of a model in order: a ledger that breaks off is still one, without its end.

    Raises:
        BadInput: there is nothing to restore, a file is no entry, or the store has another entry in its place.
    """
    paths = sorted((folder / ROOT).glob("*/*.json"))
    if not paths:
        raise BadInput(f"no entries below {folder / ROOT}", "a folder made by save", "give that folder")
    for path in paths:
        key, data = path.relative_to(folder).as_posix(), path.read_bytes()
        try:
            LedgerEntry.model_validate_json(data)
        except ValueError as error:
            raise BadInput(f"{path} is no entry of a ledger", "a file made by save, whole", "take another backup") from error
        try:
            store.put(key, data, if_absent=True)
        except Conflict as error:
            if store.get(key).data == data:
                continue
            raise BadInput(f"{store.url} has another entry at {key}", "the same entry, or none", "restore into an empty prefix") from error
    return len(paths)


def main(arguments: list[str]) -> int:
    """Do what the command line says; one line tells how it went."""
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
