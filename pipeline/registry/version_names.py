"""Resolve the names that people give registered versions: ``pydocs/3`` or ``pydocs@champion``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.artifacts.manifest import Reference
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput, unknown_name
from pipeline.registry.versions import model_names, read_aliases, version_numbers
from pipeline.tracking import Missing, MlflowServer

if TYPE_CHECKING:
    from pipeline.settings import Settings


def model_of_version(version: str, settings: Settings) -> tuple[str, Reference]:
    """Registered name and model artifact of a version.

    Raises:
        BadInput: not such a name, no such model or version (the near name is suggested), or a version without our tags.
    """
    server = MlflowServer(settings)
    name, number = _parse(version, server)
    try:
        row = server.call("GET", "model-versions/get", {"name": name, "version": number})["model_version"]
    except Missing as error:
        raise unknown_name(f"version of {name}", number, map(str, version_numbers(server, name))) from error
    tags = {tag["key"]: tag["value"] for tag in row.get("tags", [])}
    try:
        return name, Reference(
            type=ArtifactType.MODEL,
            stage=tags["trainshed.model.stage"],
            fingerprint=tags["trainshed.model.fingerprint"],
            digest=tags["trainshed.model.digest"],
        )
    except KeyError as error:
        raise BadInput(
            f"{version} has no tag {error.args[0]}", "a version that this pipeline registered", "choose another version"
        ) from error


def _parse(version: str, server: MlflowServer) -> tuple[str, str]:
    name, at, alias = version.partition("@")
    if at:
        _check_model_exists(name, server)
        aliases = read_aliases(server, name)
        if alias not in aliases:
            raise unknown_name(f"alias of {name}", alias, aliases)
        return name, str(aliases[alias])
    name, slash, number = version.rpartition("/")
    if not slash or not number.isdigit():
        raise BadInput(f"version {version!r}", "MODEL/VERSION or MODEL@ALIAS", "write e.g. pydocs/1 or pydocs@champion")
    _check_model_exists(name, server)
    return name, number


def _check_model_exists(name: str, server: MlflowServer) -> None:
    names = model_names(server)
    if name not in names:
        raise unknown_name("model", name, names)
