"""One module as the fingerprint sees it: digest of its normalised source, what it brings in, and its extension tables.

The source is parsed, never imported. Comments, formatting, docstrings and imports for type checkers do not count. A *table* is a
literal ``NAME = Table(kind, group, {"name": "module:Object", ...})`` (`pipeline.lookup`) or a plain dictionary of such places. It is
kept apart from the digest, because the caller decides which of its entries count.
"""

from __future__ import annotations

import ast
import hashlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLACE = re.compile(r"^(\w+)(\.\w+)*:\w+$")
OURS = ("pipeline", "components")

SECTION = "section"
"""Name of the modules that declare a section of the recipe: its fields are params, so only the tables of such a module count."""


def parse_module(path: Path, module: str) -> dict[str, Any]:
    """Read a module.

    Args:
        path: its source.
        module: its dotted name.

    Returns:
        As JSON: ``digest`` of the source without tables; ``names``, the dotted names that it brings in; ``tables`` by variable, each
        with its entry-point ``group`` (empty if it has none), its ``entries`` (name → place), and whether the module itself has
        ``used`` it.
    """
    tree = _Normaliser().visit(ast.parse(path.read_bytes()))
    tables = {name: table for statement in tree.body for name, table in _table(statement)}
    tree.body = [statement for statement in tree.body if not any(_table(statement))]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    imports: set[str] = set()
    attributes: set[str] = set()
    for node in ast.walk(tree):
        imports.update(_imported(node, package, {*OURS, module.partition(".")[0]}))
        if isinstance(node, ast.Name) and node.id in tables:
            tables[node.id]["used"] = True
        elif isinstance(node, ast.Attribute) and node.attr.isupper():
            attributes.add(node.attr)
    # `training.OBJECTIVES` after `from pipeline import training`
    constants = {f"{name}.{attribute}" for name in imports for attribute in attributes}
    names = {part for name in imports for part in with_parents(name)} | constants
    return {"digest": hashlib.sha256(ast.dump(tree).encode()).hexdigest(), "names": sorted(names), "tables": tables}


def is_section(module: str) -> bool:
    """Whether a module declares a section of the recipe."""
    return module.rpartition(".")[2] == SECTION


def with_parents(module: str) -> list[str]:
    """A dotted name and the packages that contain it: importing it runs them too."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _table(statement: ast.stmt) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of the table that a statement assigns; nothing if it assigns none."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value):
            pass
        case _:
            return
    match value:
        case ast.Call(func=ast.Name(id="Table") | ast.Attribute(attr="Table"), args=[_, ast.Constant(value=group), ast.Dict() as literal]):
            entries = _entries(literal)
        case ast.Dict(values=[_, *_]) as literal:
            group, entries = None, _entries(literal)
        case _:
            return
    if entries is not None:
        yield name, {"group": group or "", "entries": entries, "used": False}


def _entries(literal: ast.Dict) -> dict[str, str] | None:
    """The entries of a dictionary of places; None if it is another dictionary."""
    entries = {}
    for key, value in zip(literal.keys, literal.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(value, ast.Constant)):
            return None
        if not (isinstance(key.value, str) and isinstance(value.value, str) and PLACE.match(value.value)):
            return None
        entries[key.value] = value.value
    return entries


def _imported(node: ast.AST, package: str, roots: set[str]) -> Iterator[str]:
    """Dotted names that one node of the tree brings in: imports, and places below one of the top-level packages ``roots``."""
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
    """Drops what cannot change a result: docstrings and type-checking imports."""

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

    def _without_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.AST:
        node.body = [
            statement
            for statement in node.body
            if not (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
            )
        ]
        return self.generic_visit(node)
