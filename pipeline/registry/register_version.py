"""Put a packaged model into MLflow, once, with tags for everything that is needed to rebuild it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.registry.versions import DIGEST_TAG, SERVING_TAG, Version, create_version, find_or_create_model, find_version, wait_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.artifacts.manifest import Manifest, Reference
    from pipeline.tracking import MlflowRun, MlflowServer

SHORT = 12


def register_version(
    server: MlflowServer, run: MlflowRun, name: str, model: Reference, serving: str, tags: Mapping[str, str], package: Callable[[], Path]
) -> Version:
    """Find the version that holds this model and this serving code, or log the package and create the version.

    Uploading the same file again replaces it by the same bytes, and the version is created last: a crash before that leaves
    nothing but unreferenced files.

    Args:
        server: the MLflow server.
        run: the MLflow run that logs the package.
        name: the registered model; created when it is missing.
        model: the model artifact, whose digest is the identity.
        serving: name of the serving code; it changes with the code's content.
        tags: further tags of the version.
        package: builds the MLflow model and returns its folder; called only if it is needed.

    Raises:
        Unavailable: MLflow is unreachable.
    """
    find_or_create_model(server, name)
    found = find_version(server, name, model.digest, serving)
    if found:
        return wait_ready(server, name, found)
    folder = package()
    place = f"model-{model.digest[:SHORT]}"
    identity = {DIGEST_TAG: model.digest, SERVING_TAG: serving}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            run.log_file(path, f"{place}/{path.relative_to(folder).as_posix()}")
    return create_version(server, name, f"{run.artifact_uri}/{place}", run.id, {**tags, **identity})


def version_tags(model: Manifest, report: Manifest | None = None) -> dict[str, str]:
    """Tags that say where a version comes from: digest and fingerprint of everything that led to it, code, run.

    Args:
        model: manifest of the model.
        report: manifest of the report the gate read; its corpus is the model's.
    """
    origins = {"model": model.reference, **model.inputs}
    if report:
        origins |= {"report": report.reference, **{name: found for name, found in report.inputs.items() if name != "model"}}
    tags = {}
    for name, reference in origins.items():
        tags[f"trainshed.{name}.stage"] = reference.stage
        tags[f"trainshed.{name}.digest"] = reference.digest
        tags[f"trainshed.{name}.fingerprint"] = reference.fingerprint
    return {**tags, "trainshed.code": model.provenance.code_version, "trainshed.run": model.provenance.run}
