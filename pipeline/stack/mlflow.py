"""The MLflow server of a laptop: SQLite, artifacts in S3 through the server, one process.

``mlflow server`` imports everything twice, in a parent that waits and in a uvicorn child (7.0 s and 500 MB);
``mlflow_app.py`` serves the same application in one process (3.4 s, 260 MB).

Hardened: job execution off (it is arbitrary code on the server, and ten more processes), pickle deserialization off,
requests only for the host names of loopback (against DNS rebinding), and a password. The password is checked by a few
lines in ``mlflow_app.py`` rather than by MLflow's basic-auth application, which needs another package and a second
database and is about who may do what; here there is one user, and what matters is that other users of the machine, who
reach loopback too, are kept out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stack.base import HOST
from pipeline.stack.environment import MLFLOW_USER, interpreter
from pipeline.stack.http import ask
from pipeline.stack.s3 import MLFLOW_BUCKET

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stack.base import Site


class Mlflow:
    """The tracking server and registry."""

    name = "mlflow"
    group = "mlflow"
    needs: tuple[str, ...] = ()
    lasting = True

    def done(self, site: Site) -> bool:
        """It never ends by itself."""
        del site
        return False

    def finish(self, site: Site) -> None:
        """Nothing to note: it never ends by itself."""

    def command(self, site: Site) -> list[str]:
        """Return our one-process runner of MLflow's application."""
        database = f"sqlite:///{site.state / 'mlflow' / 'mlflow.db'}"
        return [interpreter(), "-P", "-m", "pipeline.stack.mlflow_app", database, _artifacts(site), HOST, str(site.ports["mlflow"])]

    def environment(self, site: Site) -> dict[str, str]:
        """Return access to S3, the password it asks for, and what is switched off."""
        settings = site.settings
        if "s3" in site.ports:
            s3 = {
                "MLFLOW_S3_ENDPOINT_URL": site.url("s3"),
                "AWS_ACCESS_KEY_ID": site.secrets.s3_access_key,
                "AWS_SECRET_ACCESS_KEY": site.secrets.s3_secret_key,
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
        port = site.ports["mlflow"]
        return {
            **s3,
            # MLflow passes boto3 no retry settings of its own, so its five quick tries would not outlast a restart of S3.
            "AWS_MAX_ATTEMPTS": "8",
            "AWS_RETRY_MODE": "standard",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "MLFLOW_SERVER_ALLOWED_HOSTS": f"{HOST}:{port},localhost:{port}",
            "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port},http://localhost:{port}",
            "TRAINSHED_MLFLOW_LOGIN": f"{MLFLOW_USER}:{site.secrets.mlflow_password}",
        }

    def files(self, site: Site) -> dict[Path, str]:
        """Return nothing to write; the database makes itself."""
        (site.state / "mlflow").mkdir(mode=0o700, exist_ok=True)
        return {}

    def address(self, site: Site) -> str:
        """Return its URL."""
        return site.url("mlflow")

    def probe(self, site: Site, since: float) -> str:
        """Ask for its health and for a real answer from its database."""
        del since
        return probe_mlflow(site.url("mlflow"), (MLFLOW_USER, site.secrets.mlflow_password))


def probe_mlflow(url: str, login: tuple[str, str] | None) -> str:
    """Return what keeps the server at ``url`` from answering, or an empty string."""
    health = ask(f"{url}/health")
    if health.status != 200:
        return health.text if health.status == 0 else f"/health answers {health.status}"
    search = ask(f"{url}/api/2.0/mlflow/experiments/search", {"max_results": 1}, login)
    return "" if search.status == 200 else f"experiments/search answers {search.status}"


def _artifacts(site: Site) -> str:
    """Return where artifacts go: a bucket of their own on our S3, a folder beside the store on somebody else's."""
    if "s3" in site.ports:
        return f"s3://{MLFLOW_BUCKET}/artifacts"
    if site.settings.store.startswith("s3://"):
        return f"{site.settings.store.rstrip('/')}/mlflow-artifacts"
    return str(site.state / "mlflow" / "artifacts")
