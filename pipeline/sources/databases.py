"""Databases that a source ``sql`` reads: which one, and a transaction that sees one state of it and writes nothing.

A recipe names an SQLite file by its path, or any database by a name of ``TRAINSHED_DATABASES``. So its password is in the settings only: no
recipe, pin, log or error has it.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from pipeline.errors import BadInput, unknown_name
from pipeline.sources.base import MissingSource
from pipeline.sources.database_errors import Secrets, missing_driver, translated
from pipeline.sources.database_names import VARIABLE, named_databases
from pipeline.sources.network import check_network
from pipeline.sources.roots import check_file
from pipeline.sources.sql_dialects import Checksum, start_reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL

    from pipeline.recipe.data import Source
    from pipeline.settings import Settings

SQLITE = "sqlite"
ROWS = 32
"""Rows that are in memory at once: each may have a text of 8 MB."""
CONNECT_S = 30


@contextmanager
def snapshot(source: Source, settings: Settings) -> Iterator[Connection]:
    """A transaction on the database of a source that writes nothing; rows come from it a few at a time.

    Raises:
        BadInput: there is no such database, or driver; or the database refuses the statement.
        Unavailable: it does not answer.
    """
    url = _url(source, settings)
    name = source.url_from or source.path or ""
    secrets = Secrets.of(url)
    with translated(name, secrets):
        engine = _sqlite(url, settings) if url.get_backend_name() == SQLITE else _server(url, name, settings)
        try:
            options = start_reading(engine.dialect.name)
            with engine.connect().execution_options(stream_results=True, max_row_buffer=ROWS, **options.execution) as connection:
                for statement in options.statements:
                    connection.exec_driver_sql(statement, execution_options={"stream_results": False})
                yield connection
                connection.rollback()
        finally:
            engine.dispose()


def _url(source: Source, settings: Settings) -> URL:
    """The address of the database."""
    if source.path:
        return make_url("sqlite://").set(database=source.path)
    databases, wanted = named_databases(settings.databases), source.url_from or ""
    if not databases:
        raise BadInput(
            f"{VARIABLE} is not set",
            'a JSON object such as {"crm": "postgresql://user:password@host/crm"}',
            f"set {VARIABLE}; only tasks of Airflow read its connections",
        )
    if wanted not in databases:
        raise unknown_name(f"database of {VARIABLE} in data.source.url_from:", wanted, databases)
    try:
        return make_url(databases[wanted])
    except (SQLAlchemyError, ValueError) as error:
        # the error itself shows the address
        raise BadInput(f"{VARIABLE}: the address of {wanted!r} is no URL", "dialect://user:password@host/database", "correct it") from error


def _sqlite(url: URL, settings: Settings) -> Engine:
    """An SQLite file, opened so that nothing can be written to it; a relative path starts at the checkout."""
    if not url.database or url.database == ":memory:":
        raise BadInput("an SQLite database in memory is empty", "a file", "name a file")
    place = settings.home / Path(url.database).expanduser()
    check_file(place, settings)
    if not place.is_file():
        raise MissingSource(f"no SQLite file {place}", "", "correct data.source.path")

    def connect() -> sqlite3.Connection:
        # no transaction of Python's own: one statement of ours begins it, so that all others see one state
        found = sqlite3.connect(f"file:{quote(str(place))}?mode=ro", uri=True, isolation_level=None)
        # a text that is not UTF-8 costs its record, not the whole result
        found.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        found.create_aggregate(Checksum.name, -1, Checksum)  # type: ignore[arg-type]
        return found

    return create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)


def _server(url: URL, name: str, settings: Settings) -> Engine:
    """A database behind a network.

    Raises:
        BadInput: its driver is not installed, or this process has no network.
    """
    check_network(f"database {name!r}", settings)
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_S} if url.get_backend_name() in {"postgresql", "mysql", "mariadb"} else {}
    arguments = {key: value for key, value in arguments.items() if key not in url.query}
    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    except (ImportError, SQLAlchemyError) as error:
        raise missing_driver(url, name, error) from error
