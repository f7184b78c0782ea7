"""A thin client of MLflow's documented REST API.

Why not MLflow's own client: importing it costs 1.4 s of CPU, more than a run in which everything is a hit may take, and it
repeats every HTTP method on failure, so that a create whose response was lost is done twice. Here a call says whether it may
be repeated; what may not is made safe by its caller with find-or-create.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.retry import RetryPolicy, Unreachable, cause

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings

TIMEOUT_S = (5, 60)
AWAY = frozenset({408, 429, 500, 502, 503, 504})
NO_ADDRESS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)


class Missing(TrainshedError):
    """MLflow has no such thing."""


class Exists(TrainshedError):
    """MLflow has such a thing already."""


class MlflowServer:
    """One MLflow server."""

    def __init__(self, settings: Settings) -> None:
        """Remember where the server is; nothing is sent yet."""
        self.url = settings.mlflow_uri.rstrip("/")
        self.retry = RetryPolicy(
            settings.mlflow_retry_s, f"MLflow at {self.url}", "a running server", "start it, or set TRAINSHED_MLFLOW_URI"
        )
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
        return _parsed(response, self.url) if response.content else {}

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
        return self.retry.call(lambda: self._once(method, url, repeat, options))

    def _once(self, method: str, url: str, repeat: bool, options: dict[str, Any]) -> requests.Response:
        try:
            response = self._session.request(method, url, timeout=TIMEOUT_S, **options)
        except NO_ADDRESS as error:
            raise _wrong_address(self.url, "it is no URL of a server") from error
        except requests.Timeout as error:
            if repeat:
                raise Unreachable(cause(error)) from error
            raise Unavailable(f"MLflow at {self.url} timed out", "an answer within a minute", "try again") from error
        except requests.RequestException as error:
            # a refused connection never reached the server; any other break may have
            if repeat or "refused" in str(error).lower():
                raise Unreachable(cause(error)) from error
            raise Unavailable(
                f"MLflow at {self.url} broke off during {method} {url.rpartition('/mlflow/')[2]}", "an answer", "try again"
            ) from error
        if response.status_code in AWAY and repeat:
            raise Unreachable(f"HTTP {response.status_code}")
        if not response.ok:
            raise _refusal(response, self.url)
        return response


def _parsed(response: requests.Response, url: str) -> dict[str, Any]:
    """The JSON object of an answer; another kind of server answers with a page of its own."""
    try:
        answer = response.json()
    except ValueError as error:
        raise _wrong_address(url, "it does not answer as MLflow does") from error
    return answer if isinstance(answer, dict) else {}


def _wrong_address(url: str, why: str) -> BadInput:
    return BadInput(f"no MLflow at {url!r}: {why}", "a URL such as http://127.0.0.1:5000", "correct TRAINSHED_MLFLOW_URI")


def _refusal(response: requests.Response, url: str) -> TrainshedError:
    """The error that an unsuccessful answer stands for."""
    try:
        body = response.json()
        code, message = str(body.get("error_code", "")), str(body.get("message", ""))
    except ValueError:
        code, message = "", response.text[:200]
    if code == "RESOURCE_DOES_NOT_EXIST" or (code and response.status_code == requests.codes.not_found):
        return Missing(message)
    if response.status_code == requests.codes.not_found:
        return _wrong_address(url, "it does not answer as MLflow does")
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
