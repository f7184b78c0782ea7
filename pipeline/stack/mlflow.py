"""The local MLflow server: SQLite, artifacts in S3 through the server, one process.

``mlflow server`` imports everything twice, in a waiting parent and in a uvicorn child (7.0 s and 500 MB). `mlflow_app.py`
serves the same application in one process (3.4 s, 260 MB).

Hardened: no job execution (arbitrary code on the server, and ten more processes), no pickle deserialization, only requests for
loopback host names and the one of containers (against DNS rebinding), and a password. `mlflow_app.py` checks the password in a few lines. MLflow's
basic-auth application needs another package and a second database, for permissions of many users. Here there is one user, and
the password keeps out other users of the machine, who can reach loopback too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.stack.base import HOST, LastingServer
from pipeline.stack.environment import MLFLOW_USER, interpreter
from pipeline.stack.http import ask
from pipeline.stack.s3 import MLFLOW_BUCKET

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stack.base import StackContext


class Mlflow(LastingServer):
    """The tracking server and registry."""

    name = "mlflow"
    group = "mlflow"
    needs: tuple[str, ...] = ()

    def command(self, context: StackContext) -> list[str]:
        """Return the command of `mlflow_app.py`."""
        database = f"sqlite:///{context.state / 'mlflow' / 'mlflow.db'}"
        return [interpreter(), "-P", "-m", "pipeline.stack.mlflow_app", database, _artifacts(context), HOST, str(context.ports["mlflow"])]

    def environment(self, context: StackContext) -> dict[str, str]:
        """Return S3 credentials, the log-in, and what is switched off."""
        settings = context.settings
        if "s3" in context.ports:
            s3 = {
                "MLFLOW_S3_ENDPOINT_URL": context.url("s3"),
                "AWS_ACCESS_KEY_ID": context.secrets.s3_access_key,
                "AWS_SECRET_ACCESS_KEY": context.secrets.s3_secret_key,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        else:
            known = {
                "MLFLOW_S3_ENDPOINT_URL": settings.s3_endpoint,
                "AWS_ACCESS_KEY_ID": settings.s3_access_key and settings.s3_access_key.get_secret_value(),
                "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key and settings.s3_secret_key.get_secret_value(),
                "AWS_SESSION_TOKEN": settings.s3_session_token and settings.s3_session_token.get_secret_value(),
                "AWS_DEFAULT_REGION": settings.s3_region,
            }
            s3 = {name: value for name, value in known.items() if value}
        port = context.ports["mlflow"]
        # the name by which containers ask for it, if they have another one than people
        inside = urlsplit(settings.container_mlflow_uri or "").netloc
        return {
            **s3,
            # MLflow does not configure boto3's retries; the default of five quick ones is over before S3 has restarted.
            "AWS_MAX_ATTEMPTS": "8",
            "AWS_RETRY_MODE": "standard",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(filter(None, (f"{HOST}:{port}", f"localhost:{port}", inside))),
            "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port},http://localhost:{port}",
            "TRAINSHED_MLFLOW_LOGIN": f"{MLFLOW_USER}:{context.secrets.mlflow_password}",
        }

    def files(self, context: StackContext) -> dict[Path, str]:
        """Create the folder of the database; there is no file to write."""
        (context.state / "mlflow").mkdir(mode=0o700, exist_ok=True)
        return {}

    def address(self, context: StackContext) -> str:
        """Return its URL."""
        return context.url("mlflow")

    def probe(self, context: StackContext, since: float) -> str:
        """Check its health, and that it answers from its database."""
        del since
        return probe_mlflow(context.url("mlflow"), (MLFLOW_USER, context.secrets.mlflow_password))


def probe_mlflow(url: str, login: tuple[str, str] | None) -> str:
    """Return why the server at ``url`` is not ready, or an empty string."""
    health = ask(f"{url}/health")
    if health.status != 200:
        return health.text if health.status == 0 else f"/health answers {health.status}"
    search = ask(f"{url}/api/2.0/mlflow/experiments/search", {"max_results": 1}, login)
    return "" if search.status == 200 else f"experiments/search answers {search.status}"


def _artifacts(context: StackContext) -> str:
    """Return where MLflow stores artifacts: a separate bucket on the local S3, a folder of the store on an existing S3."""
    if "s3" in context.ports:
        return f"s3://{MLFLOW_BUCKET}/artifacts"
    if context.settings.store.startswith("s3://"):
        return f"{context.settings.store.rstrip('/')}/mlflow-artifacts"
    return str(context.state / "mlflow" / "artifacts")
