"""The digest of result-bearing code, computed from source text without importing any of it.

What counts is the body of a component plus the modules of our ML packages that it reaches. Plumbing (runtime, artifacts,
tracking) is excluded, so a storage fix retrains nothing. Each module is parsed and normalised first: comments, formatting,
docstrings and imports for type checkers do not count.

A *table* (``NAME = {"name": "module:Object", ...}``, see `pipeline.lookup`) counts entry by entry. `pipeline.recipe.names.TABLES`
says which field of the params names its entries: the entries named there count. If the params lack the field, the params of the
input artifacts decide: evaluation counts the family of the model that it scores. If those lack it too, all entries count. So a
new model family changes no fingerprint.
"""

from __future__ import annotations

import ast
import hashlib
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.file_cache import FileCache
from pipeline.recipe import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKAGES = ("sources", "corpus", "tokens", "models", "training", "metrics", "evaluation", "serving", "tasks")
ML_PACKAGES = tuple(f"pipeline.{name}" for name in PACKAGES)
GATE = tuple(f"pipeline.registry.{name}" for name in ("gate", "promotion", "scores"))
"""The modules that decide a promotion: a decision of other code is another decision."""

SOURCES = Path(__file__).resolve().parent.parent.parent
RULES = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
"""Part of every cache key: cached results are void when this file changes."""

TABLE_ENTRY = re.compile(r"^(pipeline|components)(\.\w+)+:\w+$")

Chosen = frozenset[tuple[str, str]]
"""Pairs of a table's name and the name of an entry."""


def reached_modules(
    stage: str,
    params: Mapping[str, Any],
    sources: Path = SOURCES,
    file_cache: FileCache | None = None,
    input_params: Sequence[Mapping[str, Any]] = (),
) -> dict[str, str]:
    """Digest of every result-bearing module that the body of ``stage`` reaches, by dotted name.

    Args:
        stage: name of the component.
        params: its params as plain data.
        sources: folder that holds ``pipeline/`` and ``components/``.
        file_cache: cached results by file; parsing all files takes a third of a second.
        input_params: params that its input artifacts were made with.
    """
    file_cache = file_cache or FileCache()
    chosen = _chosen(params, input_params)
    digests: dict[str, str] = {}
    waiting = [f"components.{stage}.__main__"]
    while waiting:
        module = waiting.pop()
        if module in digests:
            continue
        path = _source(module, sources)
        if path is None:
            continue
        digests[module], imports = _read(path, module, chosen.get(module, frozenset()), file_cache)
        waiting += [
            name for name in imports if name.startswith((*ML_PACKAGES, *GATE, f"components.{stage}.")) and not name.endswith(".contract")
        ]
    return dict(sorted(digests.items()))


def _chosen(params: Mapping[str, Any], input_params: Sequence[Mapping[str, Any]]) -> dict[str, Chosen]:
    """The entries of tables that params name, by the module of the table."""
    chosen: dict[str, Chosen] = {}
    for place in {place for _, place in names.TABLES}:
        fields = [field for field, table in names.TABLES if table == place]
        found = {name for field in fields for name in _names(params, field)}
        found = found or {name for given in input_params for field in fields for name in _names(given, field)}
        module, _, table = place.partition(":")
        chosen[module] = chosen.get(module, frozenset()) | {(table, name) for name in found}
    return chosen


def _names(params: Mapping[str, Any], field: str) -> Iterator[str]:
    """The names at a dotted field of params; none if there is no such field."""
    value: Any = params
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, str))


def _source(module: str, sources: Path) -> Path | None:
    """File of a dotted name; None if it names no module (a class, a function)."""
    place = sources.joinpath(*module.split("."))
    for candidate in (place.with_suffix(".py"), place / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _read(path: Path, module: str, chosen: Chosen, file_cache: FileCache) -> tuple[str, list[str]]:
    """Digest of a module's normalised source, and the dotted names it imports."""
    whole = file_cache.get(path, f"module by {RULES}", partial(_parse, module=module, chosen=frozenset()))
    selected = chosen & {(table, name) for table, keys in whole["tables"].items() for name in keys}
    if not selected:
        return whole["digest"], whole["imports"]
    fact = f"module by {RULES} with {', '.join(f'{table} {name}' for table, name in sorted(selected))}"
    part = file_cache.get(path, fact, partial(_parse, module=module, chosen=selected))
    return part["digest"], part["imports"]


def _parse(path: Path, module: str, chosen: Chosen) -> dict[str, Any]:
    """Digest, imports and tables of a module.

    Args:
        path: its source.
        module: its dotted name.
        chosen: the entries of tables that count; a table of which none is chosen counts whole.
    """
    parsed = ast.parse(path.read_bytes())
    tables = {name: _keys(node) for statement in parsed.body for name, node in _tables(statement)}
    tree = _Normaliser(chosen).visit(parsed)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        found.update(_imported(node, package))
    parents = {name.rsplit(".", cut)[0] for name in found for cut in range(1, name.count(".") + 1)}
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return {"digest": digest, "imports": sorted(found | parents), "tables": tables}


def _tables(statement: ast.stmt) -> Iterator[tuple[str, ast.Dict]]:
    """Name and dictionary of a table that a statement assigns: all values name an object of ours."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target] if isinstance(statement, ast.AnnAssign) else []
    node = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    if isinstance(node, ast.Dict):
        values = [value.value for value in node.values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
        if 0 < len(node.values) == len(values) and all(TABLE_ENTRY.match(value) for value in values):
            yield from ((target.id, node) for target in targets if isinstance(target, ast.Name))


def _keys(node: ast.Dict) -> list[str]:
    return sorted(key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Dotted names that one node of the tree brings in: imports, and entries of tables."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            anchor = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*anchor, base] if base else anchor)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and TABLE_ENTRY.match(node.value):
        yield node.value.partition(":")[0]


class _Normaliser(ast.NodeTransformer):
    """Drops what cannot change a result: docstrings, type-checking imports, table entries the params do not select."""

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return self._without_other_entries(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return self._without_other_entries(node)

    def _without_other_entries(self, node: ast.Assign | ast.AnnAssign) -> ast.AST:
        for name, table in _tables(node):
            rows = list(zip(table.keys, table.values, strict=True))
            kept = [(key, value) for key, value in rows if isinstance(key, ast.Constant) and (name, key.value) in self.chosen]
            if kept:
                table.keys, table.values = [key for key, _ in kept], [value for _, value in kept]
        return self.generic_visit(node)

    def _without_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.AST:
        node.body = [
            statement
            for statement in node.body
            if not (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
            )
        ]
        return self.generic_visit(node)
