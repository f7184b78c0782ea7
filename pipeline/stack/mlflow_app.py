"""Serve MLflow in one process; ``mlflow server --workers 1`` needs two.

Usage: ``python -m pipeline.stack.mlflow_app DATABASE_URI ARTIFACTS_URI HOST PORT``. MLflow's command line passes its options to
the application in environment variables. Their names come from MLflow's constants, so a version that renames them fails at
import. Every request except ``/health`` and ``/version`` needs the log-in ``TRAINSHED_MLFLOW_LOGIN`` (``user:password``).
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
        """Protect ``application`` with ``login``, ``user:password``."""
        self._application = application
        self._expected = b"Basic " + base64.b64encode(login.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
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
    """Let the SQLite file be read while it is written; the setting is stored in the file."""
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def main(database: str, artifacts: str, host: str, port: str) -> None:
    """Migrate the database and serve until SIGTERM."""
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
