"""Docker: the engine answers, has an image of the checkout's code for each component, and GPUs if the settings demand them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from docker import APIClient
from docker.errors import DockerException

from components import COMPONENTS
from pipeline.artifacts.code_digest import LABEL, code_digest
from pipeline.doctor.base import Finding
from pipeline.doctor.reachability import check_addresses
from pipeline.errors import Unavailable
from pipeline.launchers.docker.engine import Engine, names_registry, unreachable
from pipeline.launchers.docker.relay import check_relay
from pipeline.placement.container_image import image_of
from pipeline.placement.container_network import HOST_NETWORK, container_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

TIMEOUT_S = 10

DESKTOP = (
    "TRAINSHED_DOCKER_NETWORK=bridge, and TRAINSHED_CONTAINER_S3_ENDPOINT and TRAINSHED_CONTAINER_MLFLOW_URI "
    "to the addresses with host.docker.internal"
)


def check_docker(settings: Settings) -> Iterator[Finding]:
    """Check the engine; no image is pulled."""
    url = settings.docker_url
    try:
        client = APIClient(base_url=url, version="auto", timeout=TIMEOUT_S)
    except DockerException as error:
        raise unreachable(url, error) from error
    with closing(Engine(client, url)) as engine:
        yield from _check_engine(engine, settings)


def _check_engine(engine: Engine, settings: Settings) -> Iterator[Finding]:
    url = settings.docker_url
    network = container_network(settings)
    found = [*check_addresses(settings, own_loopback=network.mode != HOST_NETWORK and not network.relayed)]
    found += _relay(engine, settings)
    if settings.device == "cuda" and not engine.host().gpus:
        got = f"device cuda, but Docker at {url} cannot give GPUs to containers"
        found.append(Finding("error", got, "", "install the NVIDIA Container Toolkit, or set TRAINSHED_DEVICE=cpu or auto"))
    named = [(name, stage) for stage in COMPONENTS for name in COMPONENTS.load(stage).images]
    found += [finding for name, stage in named if (finding := _image(engine, name, stage, settings))]
    yield from found or [Finding("ok", f"docker: {url} answers; {len(named)} images of this code for {len(COMPONENTS)} components")]


def _relay(engine: Engine, settings: Settings) -> Iterator[Finding]:
    """A problem of the relay, where containers need it."""
    if not container_network(settings).relayed:
        return
    if engine.runs_in_virtual_machine():
        got = "Docker Desktop cannot share the sockets by which containers reach S3 and MLflow of this machine"
        yield Finding("error", got, "", f"set {DESKTOP}")
        return
    try:
        check_relay(settings)
    except Unavailable as error:
        yield Finding("error", error.got, "", error.fix)


def _image(engine: Engine, name: str, stage: str, settings: Settings) -> Finding | None:
    """A problem of one image of a component."""
    image = image_of(name, settings)
    labels = engine.labels(image)
    if labels is None and names_registry(image):
        got = f"the engine has not pulled image {image} yet"
        return Finding("warning", got, fix=f"nothing: the first step pulls it; `docker pull {image}` does so now")
    if labels is None:
        return Finding("error", f"image {image} not found", fix="run `make images`, or correct TRAINSHED_IMAGES")
    if not labels.get(LABEL):
        return Finding("warning", f"image {image} has no label {LABEL}: its code is unknown", fix="run `make images`")
    if labels[LABEL] != code_digest(stage):
        got = f"image {image} is stale: it has other code than {settings.home}"
        return Finding("error", got, fix="run `make images`, or correct TRAINSHED_IMAGES")
    return None
