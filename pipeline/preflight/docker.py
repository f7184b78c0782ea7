"""Docker: the engine answers, has an image of this version for each component, and GPUs where they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker import APIClient
from docker.errors import DockerException

from components import COMPONENTS
from pipeline.orchestration.launchers.engine import Engine, away, names_registry
from pipeline.orchestration.launchers.images import image_of
from pipeline.preflight.base import Finding

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
        raise away(url, error) from error
    found = []
    if settings.device == "cuda" and not engine.host().gpus:
        got = f"device cuda, but Docker at {url} cannot hand GPUs to containers"
        found.append(
            Finding("wrong", got, "the runtime nvidia", "install the NVIDIA Container Toolkit, or set TRAINSHED_DEVICE=cpu or auto")
        )
    for stage in COMPONENTS:
        image = image_of(stage, settings)
        if engine.has(image):
            continue
        if names_registry(image):
            got = f"image {image} is not on the engine yet"
            found.append(Finding("warning", got, "one there", f"nothing: the first step fetches it; `docker pull {image}` does so now"))
        else:
            fix = "run `make images`, or correct TRAINSHED_IMAGES"
            found.append(Finding("wrong", f"there is no image {image}", "one of this version of the code", fix))
    yield from found or [Finding("ok", f"docker: {url} answers; an image for each of {len(COMPONENTS)} components")]
