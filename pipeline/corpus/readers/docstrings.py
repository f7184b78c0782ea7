"""Docstrings of one Python module.

It walks the bodies of modules and classes, and the ``if``, ``try`` and ``with`` blocks in them. Docstrings of functions inside
functions are skipped. Walking every node of every tree takes sixteen times as long.
"""

from __future__ import annotations

import ast
from inspect import cleandoc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def docstrings(source: bytes, module: str) -> list[tuple[str, str]]:
    """Qualified name and docstring (indentation removed) of the module, its classes, functions and methods, in order.

    Args:
        source: the module's bytes; a PEP 263 coding line is respected.
        module: its dotted name.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it is not Python of this version, or too deeply nested.
    """
    return list(_walk(ast.parse(source), module))


def split_docstring(docstring: str) -> tuple[str, str | None]:
    """Body and summary line as in PEP 257: one line, a blank line, the rest.

    Returns:
        (body, summary); (docstring, None) for a docstring of another shape.
    """
    summary, _, rest = docstring.partition("\n")
    gap, _, body = rest.partition("\n")
    return (body, summary) if body.strip() and not gap.strip() else (docstring, None)


def docstring_row(name: str, docstring: str, package: str) -> dict[str, str | None]:
    """The row of one docstring, with the fields of `pipeline.recipe.data.PYDOCS_FIELDS`; the summary is None for a docstring of another shape."""
    body, summary = split_docstring(docstring)
    return {"body": body, "summary": summary, "docstring": docstring, "name": name, "package": package}


def _walk(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Iterator[tuple[str, str]]:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        text = cleandoc(first.value.value)
        if text:
            yield name, text
    if isinstance(node, ast.Module | ast.ClassDef):
        for inner in _definitions(node.body):
            yield from _walk(inner, f"{name}.{inner.name}")


def _definitions(body: Iterable[ast.AST]) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for statement in body:
        if isinstance(statement, DEFINITIONS):
            yield statement
        elif isinstance(statement, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from _definitions(getattr(statement, part, ()))
