"""Serve MLflow in one process: what ``mlflow server --workers 1`` does in two.

Usage: ``python -m pipeline.stack.mlflow_app DATABASE_URI ARTIFACTS_URI HOST PORT``. The names of the variables through which
the command line hands its options to the application are taken from MLflow's own constants, so a version that renames
them fails here at import and not in silence. ``TRAINSHED_MLFLOW_LOGIN`` (``user:password``) is asked of every request but
``/health`` and ``/version``.
"""

from __future__ import annotations

import base64
import os
import secrets
import sqlite3
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/health", "/version"})


class PasswordGuard:
    """ASGI middleware: HTTP basic authentication with one user, compared in constant time."""

    def __init__(self, application: Application, login: str) -> None:
        """Guard ``application`` with ``login``, ``user:password``."""
        self._application = application
        self._expected = b"Basic " + base64.b64encode(login.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 401."""
        if scope["type"] == "lifespan" or scope.get("path") in OPEN or self._admits(scope):
            await self._application(scope, receive, send)
            return
        headers = [(b"www-authenticate", b'Basic realm="MLflow of Trainshed"'), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b"user and password are in the state folder's file env\n"})

    def _admits(self, scope: Scope) -> bool:
        given = next((value for name, value in scope.get("headers", []) if name == b"authorization"), b"")
        return scope["type"] == "http" and secrets.compare_digest(given, self._expected)


def use_write_ahead_log(database: str) -> None:
    """Let readers and the writer of the SQLite file work side by side; the setting stays in the file."""
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def main(database: str, artifacts: str, host: str, port: str) -> None:
    """Bring the database up to date and serve until SIGTERM."""
    warnings.filterwarnings("ignore", message="starlette.middleware.wsgi is deprecated")
    from mlflow.server import constants

    os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = database
    os.environ[constants.REGISTRY_STORE_URI_ENV_VAR] = database
    os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = "mlflow-artifacts:/"
    os.environ[constants.ARTIFACTS_DESTINATION_ENV_VAR] = artifacts
    os.environ[constants.SERVE_ARTIFACTS_ENV_VAR] = "true"
    os.environ["_MLFLOW_SGI_NAME"] = "uvicorn"

    import uvicorn
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(database, database, "mlflow-artifacts:/")
    use_write_ahead_log(database)
    guarded = PasswordGuard(app, os.environ["TRAINSHED_MLFLOW_LOGIN"])
    uvicorn.run(guarded, host=host, port=int(port), log_level="warning", timeout_graceful_shutdown=3)


if __name__ == "__main__":
    main(*sys.argv[1:])
