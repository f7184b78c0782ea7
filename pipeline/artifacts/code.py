"""The digest of result-bearing code, computed from source text without importing any of it.

What counts is the body of a component plus the modules of our ML packages that it reaches. Plumbing (runtime, artifacts,
tracking) is excluded, so a storage fix retrains nothing. Each module is parsed and normalised first: comments, formatting,
docstrings and imports for type checkers do not count.

A *table* (``NAME = {"name": "module:Object", ...}``, see `pipeline.lookup`) counts entry by entry: those the params name, or
all of them where the params name none. Adding a model family therefore leaves every other family's artifacts alone.
"""

from __future__ import annotations

import ast
import hashlib
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.file_cache import FileCache

if TYPE_CHECKING:
    from collections.abc import Iterator

ML_PACKAGES = tuple(f"pipeline.{name}" for name in ("corpus", "tokens", "models", "training", "evaluation", "serving"))
GATE = tuple(f"pipeline.registry.{name}" for name in ("gate", "promotion", "scores"))
"""The modules that decide a promotion: a decision of other code is another decision."""

SOURCES = Path(__file__).resolve().parent.parent.parent
RULES = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
"""Part of every cache key: cached results are void when this file changes."""

TABLE_ENTRY = re.compile(r"^(pipeline|components)(\.\w+)+:\w+$")


def reached_modules(stage: str, params: dict[str, Any], sources: Path = SOURCES, file_cache: FileCache | None = None) -> dict[str, str]:
    """Digest of every result-bearing module that the body of ``stage`` reaches, by dotted name.

    Args:
        stage: name of the component.
        params: its params as plain data; their strings select table entries.
        sources: folder that holds ``pipeline/`` and ``components/``.
        file_cache: cached results by file; parsing all files takes a third of a second.
    """
    file_cache = file_cache or FileCache()
    root = f"components.{stage}.__main__"
    names = frozenset(_strings(params))
    digests: dict[str, str] = {}
    waiting = [root]
    while waiting:
        module = waiting.pop()
        if module in digests:
            continue
        path = _source(module, sources)
        if path is None:
            continue
        digests[module], imports = _read(path, module, names, file_cache)
        waiting += [
            name for name in imports if name.startswith((*ML_PACKAGES, *GATE, f"components.{stage}.")) and not name.endswith(".contract")
        ]
    return dict(sorted(digests.items()))


def _strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - plain data of any shape
    """Every string inside ``value``."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _source(module: str, sources: Path) -> Path | None:
    """File of a dotted name; None if it names no module (a class, a function)."""
    place = sources.joinpath(*module.split("."))
    for candidate in (place.with_suffix(".py"), place / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _read(path: Path, module: str, names: frozenset[str], file_cache: FileCache) -> tuple[str, list[str]]:
    """Digest of a module's normalised source, and the dotted names it imports."""
    whole = file_cache.get(path, f"module by {RULES}", partial(_parse, module=module, names=frozenset()))
    chosen = names & set(whole["keys"])
    if not chosen:
        return whole["digest"], whole["imports"]
    part = file_cache.get(path, f"module by {RULES} with {', '.join(sorted(chosen))}", partial(_parse, module=module, names=chosen))
    return part["digest"], part["imports"]


def _parse(path: Path, module: str, names: frozenset[str]) -> dict[str, Any]:
    """Digest, imports and table keys of a module.

    Args:
        path: its source.
        module: its dotted name.
        names: the entries of tables that count; none means all.
    """
    parsed = ast.parse(path.read_bytes())
    tables = [node for node in ast.walk(parsed) if isinstance(node, ast.Dict) and _is_table(node)]
    keys = {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    tree = _Normaliser(names).visit(parsed)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        found.update(_imported(node, package))
    parents = {name.rsplit(".", cut)[0] for name in found for cut in range(1, name.count(".") + 1)}
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return {"digest": digest, "imports": sorted(found | parents), "keys": sorted(keys)}


def _is_table(node: ast.Dict) -> bool:
    """Whether a dictionary display is a lookup table: all its values name an object of ours."""
    values = [value.value for value in node.values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return 0 < len(node.values) == len(values) and all(TABLE_ENTRY.match(value) for value in values)


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

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

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

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        if not _is_table(node):
            return self.generic_visit(node)
        rows = list(zip(node.keys, node.values, strict=True))
        chosen = [(key, value) for key, value in rows if isinstance(key, ast.Constant) and key.value in self.names]
        kept = chosen or rows
        return ast.Dict(keys=[key for key, _ in kept], values=[value for _, value in kept])

    def _without_docstring(self, node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.AST:
        node.body = [
            statement
            for statement in node.body
            if not (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
            )
        ]
        return self.generic_visit(node)
