"""One module as the fingerprint sees it: digest of its normalised source, its imports, and its extension tables.

The source is parsed, never imported. Comments, formatting, docstrings and imports for type checkers do not count. A *table* is a
literal ``NAME = Table(kind, group, {"name": "module:Object", ...})`` (`pipeline.lookup`) or a plain dictionary of such places; the
caller may keep only some of its entries.
"""

from __future__ import annotations

import ast
import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PLACE = re.compile(r"^(\w+)(\.\w+)*:\w+$")
OURS = ("pipeline", "components")

SECTION = "section"
"""Name of the modules that declare a section of the recipe: its fields are params, so only the tables of such a module count."""


class TableLiteral(NamedTuple):
    """A table as the source writes it."""

    name: str
    """The variable."""

    group: str
    """Its entry-point group; empty if it has none."""

    entries: ast.Dict


def parse_module(path: Path, module: str, kept: Mapping[str, list[str]]) -> dict[str, Any]:
    """Digest, imports and tables of a module, as JSON.

    Args:
        path: its source.
        module: its dotted name.
        kept: names of the entries that count, by table; a table that is not named here counts whole.
    """
    parsed = ast.parse(path.read_bytes())
    tables = {table.name: {"group": table.group, "entries": _keys(table.entries)} for table in map(_table, parsed.body) if table}
    tree = _Normaliser(kept).visit(parsed)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        found.update(_imported(node, package, {*OURS, module.partition(".")[0]}))
    counted = [statement for statement in tree.body if _table(statement)] if is_section(module) else [tree]
    digest = hashlib.sha256("\n".join(ast.dump(node) for node in counted).encode()).hexdigest()
    return {"digest": digest, "imports": sorted(name for place in found for name in with_parents(place)), "tables": tables}


def is_section(module: str) -> bool:
    """Whether a module declares a section of the recipe."""
    return module.rpartition(".")[2] == SECTION


def with_parents(module: str) -> list[str]:
    """A dotted name and the packages that contain it: importing it runs them too."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _table(statement: ast.stmt) -> TableLiteral | None:
    """The table that a statement assigns, if it assigns one."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value):
            pass
        case _:
            return None
    match value:
        case ast.Call(func=ast.Name(id="Table") | ast.Attribute(attr="Table"), args=[_, ast.Constant(value=group), ast.Dict() as entries]):
            return TableLiteral(name, group if isinstance(group, str) else "", entries)
        case ast.Dict(values=[_, *_]) if all(_is_place(node) for node in value.values):
            return TableLiteral(name, "", value)
    return None


def _is_place(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(PLACE.match(node.value))


def _keys(node: ast.Dict) -> list[str]:
    return sorted(key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _imported(node: ast.AST, package: str, roots: set[str]) -> Iterator[str]:
    """Dotted names that one node of the tree brings in: imports, and entries of tables whose top-level package is one of ``roots``."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            anchor = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*anchor, base] if base else anchor)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        place = PLACE.match(node.value)
        if place and place[1] in roots:
            yield node.value.partition(":")[0]


class _Normaliser(ast.NodeTransformer):
    """Drops what cannot change a result: docstrings, type-checking imports, entries of tables that are not kept."""

    def __init__(self, kept: Mapping[str, list[str]]) -> None:
        self.kept = kept

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
        table = _table(node)
        if table and table.name in self.kept:
            kept = self.kept[table.name]
            every = zip(table.entries.keys, table.entries.values, strict=True)
            rows = [(key, value) for key, value in every if isinstance(key, ast.Constant) and key.value in kept]
            table.entries.keys, table.entries.values = [key for key, _ in rows], [value for _, value in rows]
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
