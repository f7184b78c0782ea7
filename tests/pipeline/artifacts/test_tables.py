"""Every extension table of the project can be read from its source: otherwise all of its entries, and no package's, would count."""

from __future__ import annotations

import ast

from pipeline import extension_points
from pipeline.artifacts.code import SOURCES
from pipeline.artifacts.module_source import parse_module
from pipeline.lookup import load_object


def test_every_table_is_a_literal_that_is_read_without_an_import() -> None:
    found = {}
    for path in [*(SOURCES / "pipeline").rglob("*.py"), *(SOURCES / "components").rglob("*.py")]:
        text = path.read_text()
        # rich has a Table too
        called = "Table" if "from pipeline.lookup import Table" in text else "lookup.Table"
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and ast.unparse(node.func) == called]
        if not calls:
            continue
        module = ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
        tables = {name: table for name, table in parse_module(path, module)["tables"].items() if f"{name} = " in text}
        assert len(tables) >= len(calls), path
        for name, table in tables.items():
            read = load_object(f"{module}:{name}")
            assert (table["group"], table["entries"]) == (getattr(read, "group", None) or "", dict(read)), f"{module}:{name}"
            found[table["group"]] = f"{module}:{name}"
    assert {group: place for group, place in found.items() if group} == extension_points.TABLES
