"""Keys from Airflow's connections that the settings name, read only when a task or a callback runs.

A DAG file that is parsed reads no connection, so no key is ever part of a DAG, and the next attempt finds a renewed key. Airflow masks
a connection's values in every task's log. They take precedence over the environment; components get them as the variables with the
highest precedence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from pipeline.errors import BadInput
from pipeline.operators.database_connections import with_connections
from pipeline.settings import PREFIX, load_settings

if TYPE_CHECKING:
    from pipeline.settings import Settings


def task_settings() -> Settings:
    """The settings of a task: those of its environment, with the keys of the connections that the settings name.

    Raises:
        BadInput: a connection is missing, or has no keys.
    """
    settings = load_settings()
    return settings.model_copy(update=_from_connections(settings))


def component_keys(settings: Settings) -> dict[str, str]:
    """Variables that pass the connections' keys, and nothing else, to a component that inherits this environment.

    Args:
        settings: of the task.
    """
    variables = {}
    for field in _from_connections(settings):
        value = getattr(settings, field)
        variables[PREFIX + field.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
    return variables


def _from_connections(settings: Settings) -> dict[str, Any]:
    """Fields of the settings that connections fill in."""
    fields: dict[str, Any] = {}
    if settings.s3_connection:
        fields |= _s3(_connection(settings.s3_connection, "TRAINSHED_S3_CONNECTION"))
    if settings.mlflow_connection:
        fields |= _mlflow(_connection(settings.mlflow_connection, "TRAINSHED_MLFLOW_CONNECTION"))
    if settings.database_connections:
        found = [_connection(name, "TRAINSHED_DATABASE_CONNECTIONS") for name in settings.database_connections]
        fields["databases"] = with_connections(settings.databases, found)
    return fields


def _s3(connection: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's Connection
    """Keys, and the endpoint and region if the connection has them; a token belongs to its keys, so no token here clears it."""
    extra = connection.extra_dejson
    access, secret = connection.login or extra.get("aws_access_key_id"), connection.password or extra.get("aws_secret_access_key")
    places = {"s3_endpoint": extra.get("endpoint_url"), "s3_region": extra.get("region_name")}
    token = extra.get("aws_session_token")
    return {
        "s3_access_key": SecretStr(_required(access, connection)),
        "s3_secret_key": SecretStr(_required(secret, connection)),
        "s3_session_token": SecretStr(token) if token else None,
        **{field: value for field, value in places.items() if value},
    }


def _mlflow(connection: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's Connection
    return {
        "mlflow_username": _required(connection.login, connection),
        "mlflow_password": SecretStr(_required(connection.password, connection)),
    }


def _required(value: str | None, connection: Any) -> str:  # noqa: ANN401 - Airflow's Connection
    if not value:
        raise BadInput(
            f"Airflow's connection {connection.conn_id!r} lacks login or password",
            "access key and secret key, or user and password",
            "edit the connection",
        )
    return value


def _connection(name: str, setting: str) -> Any:  # noqa: ANN401 - Airflow's Connection
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get(name)
    except AirflowNotFoundException as error:
        raise BadInput(f"Airflow has no connection {name!r}", "", f"create it, or correct {setting}") from error
