"""Several sources in one recipe: how they are written, and the view of one source that all other rooms take.

A recipe has ``data.source``, or ``data.sources``: names, each with a source, a weight and caps. Nobody else asks which of the two it is.
`pipeline.recipe.data.Data.parts` lists the sources of a recipe, one or several, and ``Data.of(part)`` is what a recipe with this source alone would say.

The order of the sources counts: of equal documents the first source keeps its own. Fingerprints and stored records sort the keys of a mapping.
So as plain data the sources are a list, in which each has its name; reading takes a mapping or such a list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.section import Section

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.errors import TrainshedError
    from pipeline.recipe.data import Source
    from pipeline.recipe.gate_checks import Problem

ONE = "data.source"
"""Field of the only source of a recipe."""

SEVERAL = "data.sources"

LEAST_WEIGHT, MOST_WEIGHT = 0.001, 100.0
"""Of a source; a number outside is a mistake."""


class SourcePart(NamedTuple):
    """One source of a recipe."""

    name: str
    """Its name in ``data.sources``; empty for ``data.source``."""

    source: Source

    @property
    def field(self) -> str:
        """Where the recipe has it."""
        return field_of(self.name)

    def named(self, text: str) -> str:
        """A message about ``data.source`` as one about this source."""
        return re.sub(rf"\b{re.escape(ONE)}\b", self.field, text) if self.name else text

    def error(self, error: TrainshedError) -> TrainshedError:
        """An error about ``data.source`` as one about this source: its field is in the message."""
        got, expected, fix = map(self.named, (error.got, error.expected, error.fix))
        return type(error)(got if self.field in got else f"{self.field}: {got}", expected, fix)

    def problem(self, found: Problem) -> Problem:
        """The same for all parts of what a check found."""
        if found is None:
            return None
        got, expected, fix = map(self.named, found)
        return got, expected, fix


def field_of(name: str) -> str:
    """Where a recipe has the source of this name; the only one has none."""
    return f"{SEVERAL}.{name}" if name else ONE


class Weights(Section):
    """How often training reads the documents of each source, where it is not once."""

    by_source: dict[str, float]
    """Name of a source → its weight."""


def as_mapping(sources: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
    """The sources by name, where they are a list with names.

    Raises:
        ValueError: two have one name.
    """
    if not isinstance(sources, list) or not all(isinstance(each, dict) and "name" in each for each in sources):
        return sources
    found = {each["name"]: {field: value for field, value in each.items() if field != "name"} for each in sources}
    if len(found) < len(sources):
        raise ValueError("a name for each source")
    return found


def as_list(sources: Any, plain: Callable[[Any], Any]) -> list[dict[str, Any]]:  # noqa: ANN401 - a mapping of sections
    """The sources as plain data, in their order.

    Args:
        sources: by name.
        plain: makes a mapping of plain data.
    """
    return [{"name": name, **source} for name, source in plain(sources).items()]
