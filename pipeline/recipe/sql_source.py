"""What a source ``sql`` may say: one query or table, one database by its name, and never an address with a password.

The query is checked as text only, so that a mistake is one line when the recipe is read. What keeps it from writing is the transaction
(`pipeline.sources.databases`), not this check.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.recipe.data import Source
    from pipeline.recipe.gate_checks import Problem

WRITING = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "INTO", "CREATE", "DROP", "ALTER", "TRUNCATE"})
"""Words that no query needs; a query with ``FOR UPDATE`` would lock rows."""
NAME = re.compile(r"[A-Za-z0-9_-]+")
TABLE = re.compile(r"[^\s;'\"]+")


def sql_problem(source: Source) -> Problem:
    """What is wrong with a source of kind ``sql``; None if nothing is, or it is of another kind."""
    if source.kind != "sql":
        return None
    return _database(source) or _statement(source)


def _database(source: Source) -> Problem:
    fix = "keep one of them"
    if bool(source.path) == bool(source.url_from):
        got = "data.source has both path and url_from" if source.path else "data.source has neither path nor url_from for kind 'sql'"
        return (
            got,
            "the path of an SQLite file, or the name of a database in TRAINSHED_DATABASES",
            fix if source.path else "add one of them",
        )
    if "://" in (source.path or ""):  # it may hold a password, so it is not shown
        return (
            "data.source.path is an address",
            "the path of an SQLite file",
            "put the address in TRAINSHED_DATABASES, and its name in url_from",
        )
    if source.url_from and not NAME.fullmatch(source.url_from):
        got = "data.source.url_from is no name of letters, digits, _ and -"
        return got, "a name of TRAINSHED_DATABASES; recipes hold no addresses and no passwords", "put the address there, and its name here"
    return None


def _statement(source: Source) -> Problem:
    if bool(source.query) == bool(source.table):
        got = "data.source has both query and table" if source.query else "data.source has neither query nor table for kind 'sql'"
        return got, "one of them", "keep one of them" if source.query else "add data.source.query"
    if source.table and not TABLE.fullmatch(source.table):
        return f"data.source.table {source.table!r}", "table, or schema.table", "correct it, or write data.source.query"
    if source.query:
        wrong = _query_error(source.query)
        return (f"data.source.query {wrong}", "one SELECT", "correct data.source.query") if wrong else None
    return None


def plain_query(query: str) -> str:
    """A query that passed `sql_problem`, without the semicolon at its end, so that it can be put in parentheses."""
    return "".join(token.value for statement in _statements(query) for token in statement.flatten() if token.value != ";").strip()


def _query_error(query: str) -> str | None:
    """Why a text is no single query, in words that follow the name of its field; None if it is one."""
    from sqlparse import tokens
    from sqlparse.exceptions import SQLParseError

    try:
        found = _statements(query)
    except SQLParseError as error:
        return f"cannot be parsed: {error}"
    if len(found) != 1:
        return f"has {len(found)} statements" if found else "is empty"
    said = [token for token in found[0].flatten() if not token.is_whitespace and token.ttype not in tokens.Comment and token.value != "("]
    if said[0].normalized.upper() not in {"SELECT", "WITH"}:
        return f"begins with {said[0].value[:20]!r}"
    words = [token.normalized for token in said if token.ttype in tokens.Keyword]
    return next((f"has {word}" for word in words if word in WRITING), None)


def _statements(query: str) -> list[Any]:
    """The statements of a text that hold more than comments."""
    import sqlparse
    from sqlparse import tokens

    def says_something(token: Any) -> bool:  # noqa: ANN401 - sqlparse has no types
        return not token.is_whitespace and token.ttype not in tokens.Comment and token.value != ";"

    found: tuple[Any, ...] = sqlparse.parse(query)
    return [one for one in found if any(map(says_something, one.flatten()))]
