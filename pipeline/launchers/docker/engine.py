"""The Docker engine, as much of it as the launcher needs, with errors in our words.

The client is the one Airflow's Docker provider makes; what is sent to the engine is plain JSON, see `container`.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from pipeline.errors import BadInput, Unavailable
from pipeline.launchers.docker.container import Host, Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import APIClient

NOT_FOUND, CONFLICT = 404, 409


class Engine:
    """One Docker engine."""

    def __init__(self, client: APIClient, url: str) -> None:
        """Use a client.

        Args:
            client: speaks to the engine.
            url: what to call it in an error.
        """
        self._client, self._url = client, url

    def host(self) -> Host:
        """What the engine's machine has."""
        with self._told():
            info = self._client.info()
        return Host(info["NCPU"], info["MemTotal"], "nvidia" in info.get("Runtimes", {}))

    def image(self, reference: str) -> Image:
        """The image of this reference, fetched first if it names a registry.

        Raises:
            BadInput: there is none.
        """
        with self._told():
            try:
                found = self._client.inspect_image(reference)
            except NotFound:
                if not names_registry(reference):
                    raise _no_image(reference) from None
                found = self._fetched(reference)
        digests = found.get("RepoDigests") or [found["Id"]]
        return Image(found["Id"], digests[0])

    def labels(self, reference: str) -> dict[str, str] | None:
        """Labels of the image of this reference; None where the engine has none, and nothing is fetched."""
        with self._told():
            try:
                found = self._client.inspect_image(reference)
            except NotFound:
                return None
        return found.get("Config", {}).get("Labels") or {}

    def _fetched(self, reference: str) -> dict[str, Any]:
        try:
            self._client.pull(reference)
            found: dict[str, Any] = self._client.inspect_image(reference)
        except APIError as error:
            if error.status_code is not None and error.is_server_error() and "denied" not in str(error) and "not found" not in str(error):
                raise
            raise _no_image(reference) from error
        return found

    def find(self, name: str) -> dict[str, Any] | None:
        """The container of this name as the engine describes it; None when there is none."""
        with self._told():
            try:
                found: dict[str, Any] = self._client.inspect_container(name)
            except NotFound:
                return None
        return found

    def create(self, name: str, config: Mapping[str, Any]) -> bool:
        """Make a container; False when there is one of this name, made by another attempt a moment ago.

        Raises:
            BadInput: the engine refuses the configuration.
        """
        with self._told():
            try:
                self._client.create_container_from_config(dict(config), name)
            except APIError as error:
                if error.status_code == CONFLICT:
                    return False
                raise
        return True

    def start(self, name: str) -> bool:
        """Start a container; one that runs already is left as it is. False when there is none, or not yet, of this name.

        Raises:
            BadInput: it cannot be started on this machine, e.g. for want of a GPU.
        """
        with self._told():
            try:
                self._client.start(name)
            except NotFound:
                return False
            except APIError as error:
                raise BadInput(
                    f"the engine cannot start {name}: {error.explanation}",
                    "a machine of the size that was asked for",
                    "see resources in the recipe and TRAINSHED_MACHINES; without a GPU set TRAINSHED_DEVICE=cpu",
                ) from error
        return True

    def output(self, name: str, tail: int | None) -> Iterator[bytes]:
        """What a container says, as it comes, until it ends; of what it has said already, the last ``tail`` lines (None: all)."""
        with self._told():
            yield from self._client.logs(name, stream=True, follow=True, tail="all" if tail is None else tail)

    def exit_code(self, name: str) -> int:
        """Wait until a container has ended; its exit code, negative for the signal it died of."""
        with self._told():
            code: int = self._client.wait(name)["StatusCode"]
        return signal_aware(code)

    def stop(self, name: str, grace_s: int) -> None:
        """SIGTERM, and SIGKILL after ``grace_s`` seconds, both by the engine itself: this returns at once, and may die."""
        threading.Thread(target=self._stop, args=(name, grace_s), name="stop", daemon=True).start()

    def _stop(self, name: str, grace_s: int) -> None:
        try:
            self._client.stop(name, timeout=grace_s)
        except NotFound:
            return  # it ended by itself and was removed

    def remove(self, name: str) -> None:
        """Remove a container that has ended, with its unnamed volumes; another attempt may have done so."""
        with self._told():
            try:
                self._client.remove_container(name, v=True)
            except APIError as error:
                if not isinstance(error, NotFound) and error.status_code != CONFLICT:
                    raise

    def ended(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Containers with these labels that have ended."""
        with self._told():
            filters = {"status": ["exited"], "label": [f"{name}={value}" for name, value in labels.items()]}
            found: list[dict[str, Any]] = self._client.containers(all=True, filters=filters)
        return found

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in our words what the engine, or the lack of it, means."""
        try:
            yield
        except APIError as error:
            if error.status_code in {NOT_FOUND, CONFLICT}:
                raise Unavailable(f"Docker: {error.explanation}", "a container nobody else removes", "run again") from error
            if error.is_client_error():
                raise BadInput(
                    f"Docker refuses: {error.explanation}", "a container it can make", "correct the TRAINSHED_DOCKER_ settings"
                ) from error
            raise Unavailable(
                f"Docker at {self._url} failed: {error.explanation}", "an engine that works", "look at the engine's log"
            ) from error
        except (DockerException, RequestException) as error:
            raise away(self._url, error) from error


def away(url: str, error: Exception) -> Unavailable:
    """The engine does not answer."""
    return Unavailable(
        f"Docker at {url} does not answer ({type(error).__name__})", "a running engine", "start it, or correct TRAINSHED_DOCKER_URL"
    )


def names_registry(reference: str) -> bool:
    """Whether a reference says from which registry an image comes: only then it is fetched.

    ``trainshed/ingestion`` without a registry would be looked for on the public one, where anybody may own that name.
    """
    first, slash, _ = reference.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def signal_aware(code: int) -> int:
    """An exit code as the engine tells it, with death by a signal (128 and its number) as a negative number."""
    return 128 - code if 128 < code < 160 else code


def _no_image(reference: str) -> BadInput:
    return BadInput(f"there is no image {reference}", "one of this version of the code", "run `make images`, or correct TRAINSHED_IMAGES")
