"""Read sealed JSON from the store: objects that nobody can compute again, such as ledger entries.

A flipped byte can leave valid JSON with another number or digest in it. The seal is a digest of all fields, so it no longer matches.
Damage on the way from the server is over with the next read; damage on the server's disk is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.artifacts.base import CorruptObject
from pipeline.artifacts.manifest import from_sealed
from pipeline.errors import Damaged

if TYPE_CHECKING:
    from pipeline.artifacts.base import Store

READS = 2
"""How often an object is read before it counts as damaged."""


def read_sealed(store: Store, key: str) -> dict[str, Any]:
    """The fields of a sealed object, without the seal.

    Raises:
        NotFound: no such object.
        Damaged: its bytes cannot be read, are not JSON, or do not match the seal, however often they are read.
    """
    for _ in range(READS):
        try:
            return from_sealed(store.get(key).data)
        except CorruptObject:
            problem = "its bytes cannot be read"
        except ValueError as error:
            problem = str(error).splitlines()[0]
    raise Damaged(f"{key} is damaged: {problem}", "", "restore it from a backup (docs/runbook.md, Restore)")
