"""Databases from Airflow's connections: the sources ``sql`` of a task find them beside those of ``TRAINSHED_DATABASES``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from pipeline.sources.database_names import named_databases

if TYPE_CHECKING:
    from collections.abc import Iterable

DIALECTS = {"postgres": "postgresql"}
"""Type of a connection → SQLAlchemy's dialect, where they have different names."""
PASSED = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout")
"""Fields of a connection's extra that belong to the address; others are for Airflow's hooks."""


def with_connections(databases: SecretStr | None, connections: Iterable[Any]) -> SecretStr:
    """The databases of the setting and of the connections, by name; a connection goes before the setting.

    Args:
        databases: value of ``TRAINSHED_DATABASES``.
        connections: Airflow's, e.g. of type postgres.

    Raises:
        BadInput: the setting is no JSON object from names to URLs.
    """
    found = named_databases(databases)
    return SecretStr(json.dumps(found | {one.conn_id: _url(one) for one in connections}))


def _url(connection: Any) -> str:  # noqa: ANN401 - Airflow's Connection
    from sqlalchemy.engine import URL

    dialect = DIALECTS.get(connection.conn_type, connection.conn_type)
    if dialect == "sqlite":  # Airflow has its path in the field of the host
        return URL.create(dialect, database=connection.host or connection.schema).render_as_string()
    query = {key: str(value) for key, value in connection.extra_dejson.items() if key in PASSED}
    address = URL.create(dialect, connection.login, connection.password, connection.host, connection.port, connection.schema or None, query)
    return address.render_as_string(hide_password=False)
