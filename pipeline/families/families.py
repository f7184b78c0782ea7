"""Which families there are, of which kind, and which configuration fields each has.

`families.json` beside this file is generated from the installed transformers (`pipeline.models.list_families`), so that a recipe is checked
in a millisecond, without importing transformers. Only families that handle text are in it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import unknown_name
from pipeline.families.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE = Path(__file__).with_name("families.json")


class Family(NamedTuple):
    """One family."""

    kind: Kind
    fields: tuple[str, ...]
    """Its configuration fields, sorted."""


@cache
def families() -> dict[str, Family]:
    """Every family by its ``model_type``."""
    data: dict[str, dict[str, object]] = json.loads(FILE.read_bytes())
    return {name: Family(Kind(str(row["kind"])), tuple(str(row["fields"]).split())) for name, row in data.items()}


def find_family(name: str, where: str = "model.family") -> Family:
    """Look up a family.

    Raises:
        BadInput: there is none of that name; the near name is suggested.
    """
    known = families()
    if name not in known:
        raise unknown_name(where, name, known)
    return known[name]


def check_fields(name: str, config: Mapping[str, object], where: str = "model.config") -> None:
    """Check the names of configuration fields.

    Args:
        name: the family.
        config: its fields; a family with parts has a mapping for each, whose fields are known as ``part.field``.
        where: how a message begins.

    Raises:
        BadInput: the family has no such field; the near name is suggested.
    """
    known = find_family(name).fields
    parts = {field.partition(".")[0] for field in known if "." in field}
    inner = [f"{part}.{field}" for part in config if part in parts for field in _names(config[part])]
    for field in [*(field for field in config if field not in parts), *inner]:
        if field not in known:
            raise unknown_name(f"{where} field of {name}", field, known)


def _names(part: object) -> Iterable[str]:
    """The fields of a part; what is no mapping has one that no family has."""
    return map(str, part) if isinstance(part, dict) else [repr(part)]
