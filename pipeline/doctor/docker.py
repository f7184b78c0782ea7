"""Docker: the engine answers, has an image of this very code for each component, and GPUs where they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker import APIClient
from docker.errors import DockerException

from components import COMPONENTS
from pipeline.artifacts.code_digest import LABEL, code_digest
from pipeline.doctor.base import Finding
from pipeline.doctor.reachability import check_reach
from pipeline.launchers.docker.engine import Engine, names_registry, unreachable
from pipeline.placement.container_image import image_of
from pipeline.placement.container_network import HOST_NETWORK, container_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

TIMEOUT_S = 10


def check_docker(settings: Settings) -> Iterator[Finding]:
    """Ask the engine; nothing is fetched."""
    url = settings.docker_url
    try:
        engine = Engine(APIClient(base_url=url, version="auto", timeout=TIMEOUT_S), url)
    except DockerException as error:
        raise unreachable(url, error) from error
    found = [*check_reach(settings, own_loopback=container_network(settings) != HOST_NETWORK)]
    if settings.device == "cuda" and not engine.host().gpus:
        got = f"device cuda, but Docker at {url} cannot hand GPUs to containers"
        found.append(
            Finding("wrong", got, "the runtime nvidia", "install the NVIDIA Container Toolkit, or set TRAINSHED_DEVICE=cpu or auto")
        )
    found += [finding for stage in COMPONENTS if (finding := _image(engine, stage, settings))]
    yield from found or [Finding("ok", f"docker: {url} answers; an image of this code for each of {len(COMPONENTS)} components")]


def _image(engine: Engine, stage: str, settings: Settings) -> Finding | None:
    """What is amiss with the image of a component."""
    image = image_of(stage, settings)
    labels = engine.labels(image)
    if labels is None and names_registry(image):
        got = f"image {image} is not on the engine yet"
        return Finding("warning", got, "one there", f"nothing: the first step fetches it; `docker pull {image}` does so now")
    if labels is None:
        fix = "run `make images`, or correct TRAINSHED_IMAGES"
        return Finding("wrong", f"there is no image {image}", "one of this version of the code", fix)
    if not labels.get(LABEL):
        return Finding("warning", f"image {image} does not say which code it holds", f"the label {LABEL}", "run `make images`")
    if labels[LABEL] != code_digest(stage):
        got = f"image {image} is stale: it holds other code than {settings.home}"
        return Finding("wrong", got, "the code that runs are planned with", "run `make images`, or correct TRAINSHED_IMAGES")
    return None
