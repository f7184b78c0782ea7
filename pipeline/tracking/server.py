"""A thin client of MLflow's documented REST API.

Why not MLflow's own client: importing it costs 1.4 s of CPU, more than a run in which everything is a hit may take, and it
repeats every HTTP method on failure, so that a create whose response was lost is done twice. Here a call says whether it may
be repeated; what may not is made safe by its caller with find-or-create.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from pipeline.errors import BadInput, TrainshedError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings

TIMEOUT_S = (5, 60)
AWAY = frozenset({408, 429, 500, 502, 503, 504})


class Missing(TrainshedError):
    """MLflow has no such thing."""


class Exists(TrainshedError):
    """MLflow has such a thing already."""


class _Away(Exception):
    """The server did not answer, or said that it cannot now."""


class MlflowServer:
    """One MLflow server."""

    def __init__(self, settings: Settings) -> None:
        """Remember where the server is; nothing is sent yet."""
        self.url = settings.mlflow_uri.rstrip("/")
        self.patience_s = settings.mlflow_patience_s
        self._session = requests.Session()
        if settings.mlflow_username and settings.mlflow_password:
            self._session.auth = (settings.mlflow_username, settings.mlflow_password.get_secret_value())

    def call(self, method: str, path: str, json: dict[str, Any] | None = None, *, repeat: bool = True) -> dict[str, Any]:
        """Call ``/api/2.0/mlflow/<path>`` and return the parsed answer.

        Args:
            method: ``"GET"`` (``json`` becomes the query), ``"POST"``, ``"PATCH"`` or ``"DELETE"``.
            path: below the API's root, e.g. ``"runs/create"``.
            json: body or query.
            repeat: whether doing it twice is harmless, so that an unclear failure may be retried.

        Raises:
            Missing: no such thing.
            Exists: it is there already.
            BadInput: refused for another reason, wrong credentials included.
            Unavailable: no answer within the settings' patience.
        """
        query = {"params": json} if method == "GET" else {"json": json or {}}
        response = self._send(method, f"{self.url}/api/2.0/mlflow/{path}", repeat=repeat, **query)
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def upload(self, path: Path, artifact_uri: str, name: str) -> None:
        """Put a file among a run's artifacts, through the server's proxy.

        Args:
            path: the file.
            artifact_uri: the run's, ``mlflow-artifacts:/...``.
            name: path of the file below it.

        Raises:
            BadInput: the server does not proxy artifacts.
        """
        scheme, _, rest = artifact_uri.partition(":")
        if scheme != "mlflow-artifacts":
            raise BadInput(
                f"MLflow keeps artifacts at {artifact_uri}", "a server that proxies them", "start it with --artifacts-destination"
            )
        place = rest.lstrip("/")
        with path.open("rb") as data:
            content = data.read()
        self._send("PUT", f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{place}/{name}", repeat=True, data=content)

    def _send(self, method: str, url: str, *, repeat: bool, **options: Any) -> requests.Response:  # noqa: ANN401 - passed through to requests
        retrying = Retrying(
            retry=retry_if_exception_type(_Away),
            stop=stop_after_delay(self.patience_s),
            wait=wait_random_exponential(0.1, max=5),
            reraise=True,
        )
        try:
            return retrying(self._once, method, url, repeat, options)
        except _Away as error:
            raise Unavailable(
                f"MLflow at {self.url} does not answer: {error}", "a running server", "start it, or set TRAINSHED_MLFLOW_URI"
            ) from error

    def _once(self, method: str, url: str, repeat: bool, options: dict[str, Any]) -> requests.Response:
        try:
            response = self._session.request(method, url, timeout=TIMEOUT_S, **options)
        except requests.ConnectionError as error:
            # a refused connection never reached the server; any other break may have
            if repeat or "refused" in str(error).lower():
                raise _Away(_reason(error)) from error
            raise Unavailable(
                f"MLflow at {self.url} broke off during {method} {url.rpartition('/mlflow/')[2]}", "an answer", "try again"
            ) from error
        except requests.Timeout as error:
            if repeat:
                raise _Away("timed out") from error
            raise Unavailable(f"MLflow at {self.url} timed out", "an answer within a minute", "try again") from error
        if response.status_code in AWAY and repeat:
            raise _Away(f"HTTP {response.status_code}")
        if not response.ok:
            raise _refusal(response, self.url)
        return response


def _reason(error: Exception) -> str:
    return "connection refused" if "refused" in str(error).lower() else "connection broken"


def _refusal(response: requests.Response, url: str) -> TrainshedError:
    """The error that an unsuccessful answer stands for."""
    try:
        body = response.json()
        code, message = str(body.get("error_code", "")), str(body.get("message", ""))
    except ValueError:
        code, message = "", response.text[:200]
    if code == "RESOURCE_DOES_NOT_EXIST" or response.status_code == requests.codes.not_found:
        return Missing(message)
    if code == "RESOURCE_ALREADY_EXISTS":
        return Exists(message)
    if response.status_code in {401, 403}:
        return BadInput(
            f"MLflow at {url} refused us: HTTP {response.status_code}",
            "valid credentials",
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        )
    if response.status_code in AWAY:
        return Unavailable(f"MLflow at {url}: HTTP {response.status_code}", "an answer", "try again")
    return BadInput(
        f"MLflow at {url} refused a request: {code or response.status_code} {message}", "a request it accepts", "see the server's log"
    )
