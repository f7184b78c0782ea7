"""Keys that Airflow keeps: connections named by the settings, resolved when a task runs and nowhere else.

A connection is asked for by the task, or by the callback, that needs it: never while a DAG file is parsed, so no key is ever part of
a DAG, and a key that was renewed is found by the next attempt. Airflow masks what a connection holds in every task's log. What it
holds goes before the environment; components get it by the names that go before everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from pipeline.errors import BadInput
from pipeline.settings import PREFIX, load_settings

if TYPE_CHECKING:
    from pipeline.settings import Settings


def task_settings() -> Settings:
    """The settings of a task: those of its environment, with keys from connections where the settings name some.

    Raises:
        BadInput: a connection is missing, or holds no keys.
    """
    settings = load_settings()
    return settings.model_copy(update=_held(settings))


def component_keys(settings: Settings) -> dict[str, str]:
    """Variables by which a component that inherits this environment finds what the connections hold, and nothing else.

    Args:
        settings: of the task.
    """
    told = {}
    for field in _held(settings):
        value = getattr(settings, field)
        told[PREFIX + field.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
    return told


def _held(settings: Settings) -> dict[str, Any]:
    """Fields of the settings that connections fill in."""
    held: dict[str, Any] = {}
    if settings.s3_connection:
        held |= _s3(_connection(settings.s3_connection, "TRAINSHED_S3_CONNECTION"))
    if settings.mlflow_connection:
        held |= _mlflow(_connection(settings.mlflow_connection, "TRAINSHED_MLFLOW_CONNECTION"))
    return held


def _s3(connection: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's Connection
    """Keys, and where they are for if the connection says so; a token belongs to its keys, so none here means none."""
    extra = connection.extra_dejson
    access, secret = connection.login or extra.get("aws_access_key_id"), connection.password or extra.get("aws_secret_access_key")
    places = {"s3_endpoint": extra.get("endpoint_url"), "s3_region": extra.get("region_name")}
    token = extra.get("aws_session_token")
    return {
        "s3_access_key": SecretStr(_given(access, connection)),
        "s3_secret_key": SecretStr(_given(secret, connection)),
        "s3_session_token": SecretStr(token) if token else None,
        **{field: value for field, value in places.items() if value},
    }


def _mlflow(connection: Any) -> dict[str, Any]:  # noqa: ANN401 - Airflow's Connection
    return {"mlflow_username": _given(connection.login, connection), "mlflow_password": SecretStr(_given(connection.password, connection))}


def _given(value: str | None, connection: Any) -> str:  # noqa: ANN401 - Airflow's Connection
    if not value:
        raise BadInput(
            f"Airflow's connection {connection.conn_id!r} lacks login or password",
            "access key and secret key, or user and password",
            "fill them in",
        )
    return value


def _connection(name: str, setting: str) -> Any:  # noqa: ANN401 - Airflow's Connection
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return Connection.get(name)
    except AirflowNotFoundException as error:
        raise BadInput(f"Airflow has no connection {name!r}", "one that holds keys", f"make it, or correct {setting}") from error
