"""The digest of result-bearing code, computed from source text without importing any of it.

What counts is the body of a component plus the modules of our ML packages that it reaches (`PACKAGES`). Plumbing (runtime,
artifacts, tracking) is excluded, so a storage fix retrains nothing. `pipeline.artifacts.module_source` says what of a module counts.

A *table* of an extension point (`pipeline.lookup.Table`) counts entry by entry. `pipeline.recipe.names.FIELDS` says which field of
the params names its entries: the entries named there count. If the params lack the field, the params of the input artifacts
decide: evaluation counts the family of the model that it scores. This does not hold for `pipeline.recipe.names.OWN_FIELDS`: how
a model was trained does not select the metrics of its evaluation. If those lack it too, all entries count where code that is
reached uses the table, and none elsewhere; of `pipeline.recipe.names.OPTIONAL` none. So a new model family changes no fingerprint. No code uses the table of tasks, because a
task comes with the params: a step that takes no task reaches none.

An entry that an installed package adds through an entry point counts in the same way: its place, its module, and what that reaches
below the same top-level package and in our ML packages.

Of a task's parts (the table in its module ``section``) those count that the contract names in ``task_parts``. The fields of a
section are params; its source does not count.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.artifacts import module_source
from pipeline.artifacts.module_source import OURS, is_section, parse_module, with_parents
from pipeline.errors import BadInput
from pipeline.file_cache import FileCache
from pipeline.lookup import Added, added_entries
from pipeline.recipe import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

PACKAGES = (
    "sources",
    "starts.formats",
    "corpora",
    "privacy",
    "corpus",
    "families",
    "tasks",
    "tokens",
    "models",
    "pretrained",
    "training",
    "metrics",
    "evaluation",
    "serving",
)
ML_PACKAGES = tuple(f"pipeline.{name}" for name in PACKAGES)
GATE = tuple(f"pipeline.registry.{name}" for name in ("comparison", "findings", "gate", "promotion", "scores"))
"""The modules that decide a promotion: a decision of other code is another decision."""

DRIFT = tuple(f"pipeline.monitoring.{name}" for name in ("drift", "features", "profile"))
"""The modules that compare texts, for the check of a corpus."""

SOURCES = Path(__file__).resolve().parent.parent.parent
RULES = hashlib.sha256(Path(__file__).read_bytes() + Path(module_source.__file__).read_bytes()).hexdigest()[:12]
"""Part of every cache key: cached results are void when these files change."""


def reached_modules(
    stage: str,
    params: Mapping[str, Any],
    sources: Path = SOURCES,
    file_cache: FileCache | None = None,
    input_params: Sequence[Mapping[str, Any]] = (),
    task_parts: Sequence[str] = (),
) -> dict[str, str]:
    """Digest of every result-bearing module that the body of ``stage`` reaches, by dotted name.

    Args:
        stage: name of the component.
        params: its params as plain data.
        sources: folder that holds ``pipeline/`` and ``components/``.
        file_cache: cached results by file; parsing all files takes a third of a second.
        input_params: params that its input artifacts were made with.
        task_parts: the parts of a task that the body uses.

    Returns:
        A table has a row of its own, e.g. ``pipeline.models.FAMILIES``: digest of its entries that count.

    Raises:
        BadInput: two entries of a table have the same name, or an entry of a package has no Python source.
    """
    return _Walk(_chosen(params, input_params), task_parts, sources, file_cache or FileCache()).run(stage)


class _Walk:
    """Follows imports and entries of tables from the body of a component."""

    def __init__(self, chosen: Mapping[str, set[str]], task_parts: Sequence[str], sources: Path, file_cache: FileCache) -> None:
        self.chosen, self.task_parts, self.sources, self.file_cache = chosen, task_parts, sources, file_cache
        self.digests: dict[str, str] = {}
        self.tables: dict[str, dict[str, Any]] = {}
        """Tables of the modules reached, by dotted name."""
        self.packages: set[str] = set()
        """Top-level packages of entries that installed packages add."""
        self.seen: set[str] = set()
        """Dotted names reached: modules, and what is imported from them."""

    def run(self, stage: str) -> dict[str, str]:
        waiting = [f"components.{stage}.__main__"]
        while waiting:
            name = waiting.pop()
            if name in self.seen:
                continue
            self.seen.add(name)
            path = self._file(name)
            reached = self._module(path, name) if path else self._table(name)
            waiting += [one for one in reached if one not in self.seen and self._counts(one, stage)]
        return dict(sorted(self.digests.items()))

    def _file(self, name: str) -> Path | None:
        """File of a dotted name; the steps of a line reach the same modules."""
        found, key = self.file_cache.modules, (name, self.sources)
        if key not in found:
            found[key] = _source(name, self.sources)
        return found[key]

    def _counts(self, name: str, stage: str) -> bool:
        if name.partition(".")[0] in self.packages:
            return True
        return name.startswith((*ML_PACKAGES, *GATE, *DRIFT, f"components.{stage}.")) and not name.endswith(".contract")

    def _module(self, path: Path, module: str) -> list[str]:
        """Note the digest of a module; return the dotted names that it brings in."""
        facts = self.file_cache.get(path, f"module by {RULES}", partial(parse_module, module=module))
        if not is_section(module):
            self.digests[module] = facts["digest"]
        names = list(facts["names"])
        for variable, table in facts["tables"].items():
            name = f"{module}.{variable}"
            self.tables[name] = table
            if table["used"] or name in self.seen or self.chosen.get(table["group"]):
                names += self._table(name)
        return names

    def _table(self, name: str) -> list[str]:
        """Note the entries of a table that count; return the dotted names that they bring in."""
        table = self.tables.get(name)
        if table is None or name in self.digests:
            return []
        added = added_entries(table["group"], table["entries"]) if table["group"] else {}
        places = {**table["entries"], **{entry: found.place for entry, found in added.items()}}
        if is_section(name.rpartition(".")[0]):
            counted = places.keys() & set(self.task_parts)
        else:
            named = self.chosen.get(table["group"])
            # a name that is not in the table, such as a family of transformers, selects none of its entries
            counted = places.keys() & (named or ()) if named or table["group"] in names.OPTIONAL else set(places)
        for entry in counted & added.keys():
            self._check(f"{table['group']} {entry}", added[entry])
        rows = [(entry, place) for entry, place in places.items() if entry in counted]
        self.digests[name] = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
        return [part for _, place in rows for part in with_parents(place.partition(":")[0])]

    def _check(self, entry: str, added: Added) -> None:
        """Follow the package of an entry, if its source can be read."""
        module = added.place.partition(":")[0]
        if _source(module, self.sources) is None:
            fix = f"correct or uninstall {added.package}"
            raise BadInput(f"{entry} of package {added.package} is {added.place}", "a module with Python source", fix)
        if module.partition(".")[0] not in OURS:
            self.packages.add(module.partition(".")[0])


def _chosen(params: Mapping[str, Any], input_params: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """The entries of tables that params name, by the table's group."""
    chosen: dict[str, set[str]] = {}
    for group in {group for _, group in names.FIELDS}:
        fields = [field for field, fields_group in names.FIELDS if fields_group == group]
        own = [field for field, fields_group in names.OWN_FIELDS if fields_group == group]
        found = {name for field in (*fields, *own) for name in _names(params, field)}
        if found:
            found |= {name for field, fields_group in names.ADDED if fields_group == group for name in _names(params, field)}
        chosen[group] = found or {name for given in input_params for field in fields for name in _names(given, field)}
    return chosen


def _names(params: Mapping[str, Any], field: str) -> Iterator[str]:
    """The names at a dotted field of params; none if there is no such field. The field may go through a list."""
    values: list[Any] = [params]
    for part in field.split("."):
        found = [value.get(part) for value in values if isinstance(value, dict)]
        values = [each for value in found for each in (value if isinstance(value, list | tuple) else [value])]
    return (value for value in values if isinstance(value, str))


def _source(module: str, sources: Path) -> Path | None:
    """File of a dotted name; None if it names no module with Python source (a class, a function, a compiled module).

    A top-level package outside the project is looked up as an import would find it; neither it nor a module in it is imported.
    """
    top, *rest = module.split(".")
    if top in OURS:
        folders = [sources / top]
    else:
        spec = find_spec(top)
        if spec is None:
            return None
        if not rest and spec.origin and spec.origin.endswith(".py"):
            return Path(spec.origin)
        folders = [Path(place) for place in spec.submodule_search_locations or ()]
    for place in (folder.joinpath(*rest) for folder in folders):
        for candidate in (place.with_suffix(".py"), place / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None
