"""The one loader of extension tables.

Every extension point has the same shape: a ``Protocol`` in ``base.py``, a table of ``"name": "module:Object"`` in the
package's ``__init__.py``, and one file per implementation. An entry is imported when its name is looked up, not earlier.
So a table may name modules that need torch while the package itself imports in a millisecond.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipeline.errors import unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(kind: str, table: Mapping[str, str], name: str) -> Any:  # noqa: ANN401 - the caller annotates the result with the Protocol
    """Import and return the entry ``name`` of ``table``.

    Args:
        kind: what the table holds, for the error message, e.g. ``"source"``.
        table: ``"name": "module:Object"``.
        name: the entry.

    Raises:
        BadInput: no such name; the message suggests the most similar one.
    """
    if name not in table:
        raise unknown_name(kind, name, table)
    return load_object(table[name])


def load_object(place: str) -> Any:  # noqa: ANN401 - whatever the module holds
    """Import and return the object at ``"module:Object"``."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
