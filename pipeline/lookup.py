"""Extension points: a table of lazily imported entries, and what installed packages add to it.

Every extension point has the same shape: a ``Protocol`` in ``base.py``, a `Table` in the package's ``__init__.py``, and one file
per implementation. An entry is imported when its name is looked up, not earlier. So a table may name modules that need torch
while the package itself imports in a millisecond.

A package of the user's own adds an entry without a change here: it declares an entry point of the table's group, e.g.
``[project.entry-points."trainshed.metrics"]``, and is installed wherever the entry is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PREFIX = "trainshed."
"""How the name of each group begins."""

PLACE = re.compile(r"\w+(\.\w+)*:\w+")
"""``module:Object``."""


class Added(NamedTuple):
    """An entry that an installed package adds to a table."""

    place: str
    """``"module:Object"``."""

    package: str
    """Name of the distribution."""


class Table(Mapping[str, str]):
    """One extension point: ``"name": "module:Object"``.

    Its own entries come first, in the order of the source; then those of installed packages, sorted by name. Write it as one
    literal in the source: `pipeline.artifacts.code` reads it there without importing it.
    """

    def __init__(self, kind: str, group: str | None, entries: Mapping[str, str]) -> None:
        """Keep the entries; nothing is imported.

        Args:
            kind: what the table holds, for messages, e.g. ``"source"``.
            group: entry-point group through which installed packages add entries; None if they cannot.
            entries: ``"name": "module:Object"``.
        """
        self.kind = kind
        self.group = group
        self._own = dict(entries)

    def load(self, name: str) -> Any:  # noqa: ANN401 - the caller annotates the result with the Protocol
        """Import and return the entry ``name``.

        Raises:
            BadInput: no such name, where the message suggests the most similar one; or the package that adds it cannot be imported.
        """
        found = self._added().get(name)
        if found is None:
            if name not in self._own:
                raise unknown_name(self.kind, name, self)
            return load_object(self._own[name])
        try:
            return load_object(found.place)
        except (ImportError, AttributeError) as error:
            raise BadInput(
                f"{self.kind} {name!r} of package {found.package} cannot be imported: {error}", "", f"correct or uninstall {found.package}"
            ) from error

    def __getitem__(self, name: str) -> str:
        """The place of an entry.

        Raises:
            KeyError: no such entry.
            BadInput: two entries have the same name.
        """
        added = self._added()
        return added[name].place if name in added else self._own[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        yield from self._own
        yield from self._added()

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._own) + len(self._added())

    def _added(self) -> dict[str, Added]:
        return added_entries(self.group, self._own) if self.group else {}


def added_entries(group: str, own: Collection[str]) -> dict[str, Added]:
    """The entries that installed packages add to a table, sorted by name.

    Args:
        group: the table's entry-point group.
        own: names of the table's own entries.

    Raises:
        BadInput: two entries have the same name, or an entry point names no object.
    """
    found: dict[str, Added] = {}
    for name, place, package in _installed().get(group, ()):
        other = found[name].package if name in found else "trainshed" if name in own else None
        if other:
            raise BadInput(f"{group}: {name!r} comes from {other} and from {package}", "", "rename the entry, or uninstall one of them")
        if not PLACE.fullmatch(place):
            raise BadInput(f"{group}: {name!r} of {package} is {place!r}", "module:Object", f"correct or uninstall {package}")
        found[name] = Added(place, package)
    return found


def load_object(place: str) -> Any:  # noqa: ANN401 - whatever the module holds
    """Import and return the object at ``"module:Object"``."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


@cache
def _installed() -> dict[str, list[tuple[str, str, str]]]:
    """Name, place and package of all entry points of our groups, by group; the search takes 5 ms, so it is done once a process."""
    from importlib.metadata import entry_points

    points = entry_points()
    return {
        group: sorted(
            (point.name, point.value.partition("[")[0].strip(), point.dist.name if point.dist else "an unknown package")
            for point in points.select(group=group)
        )
        for group in points.groups
        if group.startswith(PREFIX)
    }
