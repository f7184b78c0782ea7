"""Examples for tagging: the words of a docstring, each tagged as a parameter of its function or not.

The labels come from the code, not from people: a word is ``B-PARAM`` if the function that the docstring belongs to has a parameter of
that name. The words alone do not tell: ``axis`` is a parameter in one function and a word in another.
"""

from __future__ import annotations

import ast
import json
import re
import sysconfig
from importlib.metadata import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = re.compile(r"\w+|[^\w\s]")
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "networkx",
    "matplotlib",
    "torch",
    "transformers",
    "sympy",
    "datasets",
    "mlflow",
    "boto3",
)
MOST = 80
"""Words of an example; the rest is cut."""


def write_examples(output: Path) -> int:
    """Write JSON Lines with ``tokens``, ``tags`` and ``package``; returns their number."""
    with output.open("w", encoding="utf-8") as file:
        count = 0
        for package in PACKAGES:
            for tokens, tags in _package(package):
                file.write(json.dumps({"tokens": tokens, "tags": tags, "package": package}) + "\n")
                count += 1
    return count


def _package(package: str) -> Iterator[tuple[list[str], list[str]]]:
    site = Path(sysconfig.get_paths()["purelib"])
    for file in sorted(str(one) for one in files(package) or () if one.suffix == ".py" and "test" not in str(one)):
        try:
            tree = ast.parse((site / file).read_text(encoding="utf-8"))
        except (OSError, SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and (found := _example(node)):
                yield found


def _example(node: ast.FunctionDef) -> tuple[list[str], list[str]] | None:
    """The words of the first paragraph; None without a parameter among them."""
    text = (ast.get_docstring(node) or "").split("\n\n")[0]
    arguments = node.args
    names = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)} - {"self", "cls"}
    tokens = WORDS.findall(text)[:MOST]
    tags = ["B-PARAM" if token in names else "O" for token in tokens]
    return (tokens, tags) if len(tokens) >= 4 and "B-PARAM" in tags else None
