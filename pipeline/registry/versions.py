"""Model versions in MLflow: find one, or create it.

MLflow's ``model-versions/create`` makes another version each time it is called, so a retry after a lost response would leave
two. Here a version has tags for the content digest of its model artifact and for its serving code, and is searched by them
first. The client sends a create once and never repeats it; the retry of the whole step finds what the lost call made.

The same model may have several versions: when the serving code changes, evaluation scores the new answers, and the served
code must be the scored code. The newest version of a model counts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import Unavailable
from pipeline.tracking.server import Exists, Missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.tracking.server import MlflowServer

DIGEST_TAG = "trainshed.model.digest"
SERVING_TAG = "trainshed.serving"
READY = "READY"
FAILED = "FAILED_REGISTRATION"
POLL_S = 0.2


@dataclass(frozen=True)
class Version:
    """One version of a registered model."""

    number: int
    """MLflow's version number."""

    source: str
    """URI of the packaged model."""

    status: str
    """MLflow's status: ``READY`` once it can be loaded."""

    tags: Mapping[str, str]
    """Its tags; `DIGEST_TAG` is the identity."""


def find_or_create_model(server: MlflowServer, name: str) -> None:
    """Create the registered model unless it exists."""
    try:
        server.call("GET", "registered-models/get", {"name": name})
    except Missing:
        try:
            server.call("POST", "registered-models/create", {"name": name}, repeat=False)
        except Exists:
            return


def find_version(server: MlflowServer, name: str, digest: str, serving: str | None = None) -> Version | None:
    """The newest version that holds the model artifact with this content digest.

    Args:
        server: the MLflow server.
        name: the registered model.
        digest: content digest of the model artifact.
        serving: name of its serving code; by default any.
    """
    condition = f"name='{name}' AND tag.`{DIGEST_TAG}`='{digest}'"
    rows = server.call("GET", "model-versions/search", {"filter": condition, "max_results": 1000}).get("model_versions", [])
    found = [version for version in map(_as_version, rows) if version.status != FAILED]
    if serving is not None:
        found = [version for version in found if version.tags.get(SERVING_TAG) == serving]
    return max(found, key=lambda version: version.number, default=None)


def model_names(server: MlflowServer) -> list[str]:
    """Names of the registered models: the first page of the answer, 1,000 at most."""
    rows = server.call("GET", "registered-models/search", {"max_results": 1000}).get("registered_models", [])
    return [row["name"] for row in rows]


def version_numbers(server: MlflowServer, name: str) -> list[int]:
    """Version numbers of a registered model, oldest first."""
    rows = server.call("GET", "model-versions/search", {"filter": f"name='{name}'", "max_results": 1000}).get("model_versions", [])
    return sorted(int(row["version"]) for row in rows)


def read_version(server: MlflowServer, name: str, number: int) -> Version | None:
    """One version by its number; None when it does not exist."""
    try:
        return _as_version(server.call("GET", "model-versions/get", {"name": name, "version": str(number)})["model_version"])
    except Missing:
        return None


def create_version(server: MlflowServer, name: str, source: str, run_id: str, tags: Mapping[str, str]) -> Version:
    """Create a version and wait until it can be loaded.

    Args:
        server: the MLflow server.
        name: the registered model, which must exist.
        source: URI of the packaged model.
        run_id: the MLflow run that logged it.
        tags: must hold `DIGEST_TAG`.

    Raises:
        Unavailable: it is not ready within the retry time of the settings.
    """
    rows = [{"key": key, "value": value} for key, value in sorted(tags.items())]
    body = {"name": name, "source": source, "run_id": run_id, "tags": rows}
    created = _as_version(server.call("POST", "model-versions/create", body, repeat=False)["model_version"])
    return wait_ready(server, name, created)


def wait_ready(server: MlflowServer, name: str, version: Version) -> Version:
    """Poll until the version is ready.

    Raises:
        Unavailable: it failed, or is not ready within the retry time of the settings.
    """
    until = time.monotonic() + server.retry.seconds
    while version.status != READY:
        if version.status == FAILED or time.monotonic() > until:
            raise Unavailable(f"version {version.number} of {name} is {version.status} in MLflow", READY, "run the recipe again")
        time.sleep(POLL_S)
        query = {"name": name, "version": str(version.number)}
        version = _as_version(server.call("GET", "model-versions/get", query)["model_version"])
    return version


def tag_version(server: MlflowServer, name: str, number: int, tags: Mapping[str, str]) -> None:
    """Set tags of a version; replaces older values."""
    for key, value in sorted(tags.items()):
        server.call("POST", "model-versions/set-tag", {"name": name, "version": str(number), "key": key, "value": value})


def describe_version(server: MlflowServer, name: str, number: int, text: str) -> None:
    """Set the description of a version, in Markdown."""
    server.call("PATCH", "model-versions/update", {"name": name, "version": str(number), "description": text})


def read_aliases(server: MlflowServer, name: str) -> dict[str, int]:
    """Alias → version number of a registered model; empty when the model does not exist."""
    try:
        model = server.call("GET", "registered-models/get", {"name": name})["registered_model"]
    except Missing:
        return {}
    return {row["alias"]: int(row["version"]) for row in model.get("aliases", [])}


def set_alias(server: MlflowServer, name: str, alias: str, number: int) -> None:
    """Point the alias at a version."""
    server.call("POST", "registered-models/alias", {"name": name, "alias": alias, "version": str(number)})


def remove_alias(server: MlflowServer, name: str, alias: str) -> None:
    """Remove the alias."""
    server.call("DELETE", "registered-models/alias", {"name": name, "alias": alias})


def _as_version(row: dict[str, Any]) -> Version:
    """Read one row of MLflow's answer."""
    tags = {tag["key"]: tag["value"] for tag in row.get("tags", [])}
    return Version(int(row["version"]), row["source"], row.get("status", READY), tags)
