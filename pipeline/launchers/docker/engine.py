"""The calls to the Docker engine that the launcher needs, with its errors translated into ours.

Airflow's Docker provider makes the client; the engine gets plain JSON, see `pipeline.launchers.docker.render`.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from pipeline.errors import BadInput, Unavailable
from pipeline.launchers.docker.render import Host, Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import APIClient

NOT_FOUND, CONFLICT = 404, 409
DESKTOP = "Docker Desktop"
"""How that engine calls its operating system."""

SEND_S = 1.0
"""How long a request to stop a container may take to reach the engine."""


class Engine:
    """One Docker engine."""

    def __init__(self, client: APIClient, url: str) -> None:
        """Use a client.

        Args:
            client: of the engine.
            url: its address, for error messages.
        """
        self._client, self._url = client, url

    def close(self) -> None:
        """Close the client's connections."""
        self._client.close()

    def host(self) -> Host:
        """What the engine's machine has."""
        with self._translated():
            info = self._client.info()
        return Host(info["NCPU"], info["MemTotal"], "nvidia" in info.get("Runtimes", {}))

    def runs_in_virtual_machine(self) -> bool:
        """Whether this is Docker Desktop, whose containers run on another kernel than this machine's."""
        with self._translated():
            return str(self._client.info().get("OperatingSystem")) == DESKTOP

    def image(self, reference: str) -> Image:
        """The image of this reference; pulled first if it names a registry and the engine does not have it.

        Raises:
            BadInput: there is no such image.
        """
        with self._translated():
            try:
                found = self._client.inspect_image(reference)
            except NotFound:
                if not names_registry(reference):
                    raise _no_image(reference) from None
                found = self._pull(reference)
        digests = found.get("RepoDigests") or [found["Id"]]
        return Image(found["Id"], digests[0])

    def labels(self, reference: str) -> dict[str, str] | None:
        """Labels of the image of this reference, None if the engine does not have it; nothing is pulled."""
        with self._translated():
            try:
                found = self._client.inspect_image(reference)
            except NotFound:
                return None
        return found.get("Config", {}).get("Labels") or {}

    def _pull(self, reference: str) -> dict[str, Any]:
        try:
            self._client.pull(reference)
            found: dict[str, Any] = self._client.inspect_image(reference)
        except APIError as error:
            if error.status_code is not None and error.is_server_error() and "denied" not in str(error) and "not found" not in str(error):
                raise
            raise _no_image(reference) from error
        return found

    def find(self, name: str) -> dict[str, Any] | None:
        """The container of this name as the engine describes it; None if there is none."""
        with self._translated():
            try:
                found: dict[str, Any] = self._client.inspect_container(name)
            except NotFound:
                return None
        return found

    def create(self, name: str, config: Mapping[str, Any]) -> bool:
        """Create a container; False if one of this name exists, which another attempt has just created.

        Raises:
            BadInput: the engine refuses the configuration.
        """
        with self._translated():
            try:
                self._client.create_container_from_config(dict(config), name)
            except APIError as error:
                if error.status_code == CONFLICT:
                    return False
                raise
        return True

    def start(self, name: str) -> bool:
        """Start a container, unless it runs already; False if there is none of this name yet.

        Raises:
            BadInput: it cannot start on this machine, e.g. because it has no GPU.
        """
        with self._translated():
            try:
                self._client.start(name)
            except NotFound:
                return False
            except APIError as error:
                raise BadInput(
                    f"the engine cannot start {name}: {error.explanation}",
                    "a machine of the requested size",
                    "correct resources: in the recipe or TRAINSHED_MACHINES; on a machine without a GPU set TRAINSHED_DEVICE=cpu",
                ) from error
        return True

    def output(self, name: str, tail: int | None) -> Iterator[bytes]:
        """Output of a container until it ends, as it is written; of earlier output the last ``tail`` lines (None: all)."""
        with self._translated():
            yield from self._client.logs(name, stream=True, follow=True, tail="all" if tail is None else tail)

    def exit_code(self, name: str) -> int:
        """Wait until a container has ended; its exit code, or the negative number of the signal that killed it."""
        with self._translated():
            code: int = self._client.wait(name)["StatusCode"]
        return signed_exit_code(code)

    def stop(self, name: str, grace_s: int) -> None:
        """Have the engine send SIGTERM, and SIGKILL after ``grace_s`` seconds.

        Returns within a second. The engine waits by itself: it goes on when this process dies.
        """
        request = threading.Thread(target=self._stop, args=(name, grace_s), name="stop", daemon=True)
        request.start()
        request.join(SEND_S)

    def _stop(self, name: str, grace_s: int) -> None:
        try:
            self._client.stop(name, timeout=grace_s)
        except NotFound:
            return  # it has ended and was removed

    def remove(self, name: str) -> None:
        """Remove a container that does not run, with its unnamed volumes; no error if another attempt has done so."""
        with self._translated():
            try:
                self._client.remove_container(name, v=True)
            except APIError as error:
                if not isinstance(error, NotFound) and error.status_code != CONFLICT:
                    raise

    def with_labels(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Containers with these labels, each with ``Id``, ``Names``, ``Labels`` and ``State``."""
        with self._translated():
            filters = {"label": [f"{name}={value}" for name, value in labels.items()]}
            found: list[dict[str, Any]] = self._client.containers(all=True, filters=filters)
        return found

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate errors of the engine, and of the connection to it, into ours."""
        try:
            yield
        except APIError as error:
            if error.status_code in {NOT_FOUND, CONFLICT}:
                raise Unavailable(
                    f"Docker: {error.explanation}; another attempt may have removed the container", fix="run again"
                ) from error
            if error.is_client_error():
                raise BadInput(f"Docker refuses: {error.explanation}", fix="correct the TRAINSHED_DOCKER_ settings") from error
            raise Unavailable(f"Docker at {self._url} failed: {error.explanation}", fix="read the engine's log") from error
        except (DockerException, RequestException) as error:
            raise unreachable(self._url, error) from error


def unreachable(url: str, error: Exception) -> Unavailable:
    """The error for an engine that does not answer."""
    return Unavailable(f"Docker at {url} is unreachable ({type(error).__name__})", fix="start the engine, or correct TRAINSHED_DOCKER_URL")


def names_registry(reference: str) -> bool:
    """Whether a reference names the registry of an image: only then is the image pulled.

    ``trainshed/ingestion`` without a registry would come from the public one, where anybody may own that name.
    """
    first, slash, _ = reference.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def signed_exit_code(code: int) -> int:
    """The engine's exit code, with a death by a signal (128 + its number) as a negative number."""
    return 128 - code if 128 < code < 160 else code


def _no_image(reference: str) -> BadInput:
    return BadInput(f"image {reference} not found", fix="run `make images`, or correct TRAINSHED_IMAGES")
