"""Forget documents: find them in every corpus of the store, and append the tombstone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.artifacts.base import Conflict
from pipeline.corpora.search import all_corpora, search_corpora
from pipeline.erasure.keys import input_key
from pipeline.erasure.tombstones import Tombstone, append_tombstone, read_tombstones
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest
    from pipeline.corpora.match_file import Meant
    from pipeline.corpora.search import Found

MANY = 5
"""Lines without a match that a message names."""


@dataclass(frozen=True)
class Forgetting:
    """What came of a request."""

    entry: Tombstone
    """The entry that holds it, new or found."""

    is_new: bool
    """Whether it was appended now."""

    found: Found
    """Where the documents were found."""


def unwatched(corpora: Iterable[Manifest]) -> Iterable[Manifest]:
    """The default of ``watch``: nobody looks at the progress."""
    return corpora


def forget(
    artifacts: Artifacts,
    meant: Meant,
    person: str,
    reason: str,
    scratch: Path,
    *,
    anyway: bool = False,
    watch: Callable[[Sequence[Manifest]], Iterable[Manifest]] = unwatched,
) -> Forgetting:
    """Append a tombstone for documents, unless an entry says the same already.

    Whoever names a document by its id means its input: the same text with another target, or cleaned in another way, is forgotten too.

    Args:
        artifacts: the artifacts of the store.
        meant: the documents.
        person: who asks.
        reason: why.
        scratch: an existing folder for shards.
        anyway: also forget what no corpus holds, for data that is yet to come.
        watch: passes on the corpora that are read, one after the other, to show the progress.

    Raises:
        BadInput: no corpus holds some of the documents.
    """
    corpora = list(all_corpora(artifacts))
    known = search_corpora(artifacts, meant.ids, meant.texts, watch(corpora), scratch)
    _check_all_found(meant, known, len(corpora), anyway=anyway)
    inputs = {*meant.texts, *(input_key(*known.ids[one]) for one in meant.ids if one in known.ids)}
    found = search_corpora(artifacts, meant.ids, inputs, watch(corpora), scratch) if inputs != set(meant.texts) else known
    while True:
        entries = read_tombstones(artifacts.store)
        entry = Tombstone(
            number=entries[-1].number + 1 if entries else 1,
            time=datetime.now(UTC),
            person=person,
            reason=reason,
            ids=tuple(sorted(meant.ids)),
            texts=tuple(sorted(inputs)),
            held=dict(sorted(found.held.items())),
            searched=tuple(sorted(found.searched)),
        )
        same = next((old for old in reversed(entries) if old.digest == entry.digest), None)
        if same and not set(found.held) - set(same.held):
            return Forgetting(same, False, found)
        try:
            append_tombstone(artifacts.store, entry)
        except Conflict:
            continue
        return Forgetting(entry, True, found)


def _check_all_found(meant: Meant, found: Found, corpora: int, *, anyway: bool) -> None:
    """Refuse what no corpus holds: most often it is a mistyped id or a part of a text.

    Raises:
        BadInput: something was not found.
    """
    lost = [where for wanted in (meant.ids, meant.texts) for one, where in wanted.items() if one not in found.keys]
    if not lost or anyway:
        return
    total = len(meant.ids) + len(meant.texts)
    more = f" and {len(lost) - MANY} more" if len(lost) > MANY else ""
    raise BadInput(
        f"none of {corpora} corpora holds {len(lost)} of {total} documents: {', '.join(lost[:MANY])}{more}; nothing was forgotten",
        "ids or whole texts of documents",
        "see `trainshed data sample CORPUS --match WORD`, or add --anyway to leave them out of data that is yet to come",
    )
