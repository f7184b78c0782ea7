"""Read records from the store: JSON objects, some of them with a seal over their fields.

A flipped byte can leave valid JSON with another number or digest in it. The seal is a digest of all fields, so it no longer matches.
What nobody can compute again has one, such as a ledger entry. Damage on the way from the server is over with the next read; damage
on the server's disk is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.artifacts.base import CorruptObject
from pipeline.artifacts.manifest import from_sealed
from pipeline.errors import Damaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.artifacts.base import Store

Record = TypeVar("Record")
READS = 2
"""How often an object is read before it counts as damaged."""


def read_record(store: Store, key: str, parse: Callable[[bytes], Record]) -> Record:
    """Read and parse an object, and read it again if it cannot be parsed.

    Args:
        store: where it is.
        key: its key.
        parse: raises `ValueError` for damaged bytes.

    Raises:
        NotFound: no such object.
        ValueError: of ``parse``, after the last read.
    """
    for _ in range(READS - 1):
        try:
            return parse(store.get(key).data)
        except ValueError:
            continue
    return parse(store.get(key).data)


def read_sealed(store: Store, key: str) -> dict[str, Any]:
    """The fields of a sealed object, without the seal.

    Raises:
        NotFound: no such object.
        Damaged: its bytes cannot be read, are not JSON, or do not match the seal, however often they are read.
    """
    try:
        return read_record(store, key, from_sealed)
    except CorruptObject:
        problem = "its bytes cannot be read"
    except ValueError as error:
        problem = str(error).splitlines()[0]
    raise Damaged(f"{key} is damaged: {problem}", "", "restore it from a backup (docs/runbook.md, Restore)")
