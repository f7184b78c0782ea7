"""MLflow: it answers, accepts our login, has our version, and proxies artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.doctor.base import Finding, require_answer, with_short_retries
from pipeline.doctor.installed_versions import compare
from pipeline.recipe import recipe_files
from pipeline.stack.http import ask
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

PROXIED = "a server that proxies them, so that components need no keys of its storage"
PROXY_FIX = "start it with --serve-artifacts and --artifacts-destination"
PAGE = 1000


def check_mlflow(settings: Settings) -> Iterator[Finding]:
    """Check experiments, the version and the artifacts' root."""
    server = MlflowServer(with_short_retries(settings))
    require_answer("MLflow", server.url)
    search = server.call("POST", "experiments/search", {"max_results": PAGE})
    answer = ask(f"{server.url}/version", login=_login(settings))
    version = answer.text.strip() if answer.status == 200 and len(answer.text) < 40 else ""
    found = [compare(f"MLflow at {server.url}", version, "mlflow"), _proxy(settings, server.url)]
    ours = set(recipe_files(settings.recipe_folders))
    for experiment in search.get("experiments", []):
        place = experiment.get("artifact_location", "")
        if experiment["name"] in ours and not place.startswith("mlflow-artifacts:"):
            got = f"experiment {experiment['name']!r} of MLflow at {server.url} keeps artifacts at {place}"
            found.append(Finding("error", got, PROXIED, f"{PROXY_FIX}, and rename that experiment"))
    real = [finding for finding in found if finding]
    yield from real or [Finding("ok", f"logged in to {server.url}; version {version}; it proxies artifacts")]


def _proxy(settings: Settings, url: str) -> Finding | None:
    """Have the server list its artifacts: it can only if it proxies them and reaches their storage."""
    answer = ask(f"{url}/api/2.0/mlflow-artifacts/artifacts", login=_login(settings))
    if answer.status == 200:
        return None
    if "serve-artifacts" in answer.text:
        return Finding("error", f"MLflow at {url} does not proxy artifacts", PROXIED, PROXY_FIX)
    said = answer.json().get("message") or answer.text
    got = f"MLflow at {url} cannot list its artifacts (HTTP {answer.status}: {str(said)[:120]})"
    return Finding("unreachable", got, fix="read the server's log, and check the keys it was started with")


def _login(settings: Settings) -> tuple[str, str] | None:
    password = settings.mlflow_password
    return (settings.mlflow_username, password.get_secret_value()) if settings.mlflow_username and password else None
