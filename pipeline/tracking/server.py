"""A thin client of MLflow's documented REST API.

Why not MLflow's own client: importing it costs 1.4 s of CPU, more than a run of cache hits may take. It also retries every HTTP
method, so a create whose response was lost happens twice. Here each call says whether it may be retried; callers make the
others safe with find-or-create.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import requests

from pipeline.errors import BadInput, TrainshedError, Unavailable
from pipeline.retry import RetryPolicy, Unreachable, cause

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.settings import Settings

TIMEOUT_S = (5, 60)
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
LOST_RACE = "IntegrityError"
"""In MLflow's refusal when two clients insert one row, e.g. the first alias of a name: it answers 400, but a second try updates."""

MALFORMED_URL = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)


class Missing(TrainshedError):
    """MLflow has no such object."""


class Exists(TrainshedError):
    """MLflow already has this object."""


class MlflowServer:
    """One MLflow server."""

    def __init__(self, settings: Settings) -> None:
        """Store address and credentials; sends nothing."""
        self.url = settings.mlflow_uri.rstrip("/")
        self.retry = RetryPolicy(settings.mlflow_retry_s, f"MLflow at {self.url}", "", "start MLflow, or set TRAINSHED_MLFLOW_URI")
        password = settings.mlflow_password
        self._login = (settings.mlflow_username, password.get_secret_value()) if settings.mlflow_username and password else None
        self._threads = threading.local()

    @property
    def _session(self) -> requests.Session:
        """One session for each thread: a thread of its own sends metrics, and sessions are not thread-safe."""
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
            self._threads.session.auth = self._login
        session: requests.Session = self._threads.session
        return session

    def call(self, method: str, path: str, json: dict[str, Any] | None = None, *, repeat: bool = True) -> dict[str, Any]:
        """Call ``/api/2.0/mlflow/<path>`` and return the parsed answer.

        Args:
            method: ``"GET"`` (``json`` becomes the query), ``"POST"``, ``"PATCH"`` or ``"DELETE"``.
            path: below the API's root, e.g. ``"runs/create"``.
            json: body or query.
            repeat: whether the call is idempotent, so that it may be retried after a lost response.

        Raises:
            Missing: no such object.
            Exists: the object already exists.
            BadInput: refused for another reason, such as wrong credentials.
            Unavailable: unreachable for longer than the retry time of the settings.
        """
        query = {"params": json} if method == "GET" else {"json": json or {}}
        response = self._send(method, f"{self.url}/api/2.0/mlflow/{path}", repeat=repeat, **query)
        return _parsed(response, self.url) if response.content else {}

    def upload(self, path: Path, artifact_uri: str, name: str) -> None:
        """Upload a file to a run's artifacts, through the server's proxy.

        Args:
            path: the file.
            artifact_uri: the run's, ``mlflow-artifacts:/...``.
            name: path of the file below that URI.

        Raises:
            BadInput: the server does not proxy artifacts.
        """
        scheme, _, rest = artifact_uri.partition(":")
        if scheme != "mlflow-artifacts":
            raise BadInput(
                f"MLflow stores artifacts at {artifact_uri}", "a server that proxies artifacts", "start MLflow with --artifacts-destination"
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
        except MALFORMED_URL as error:
            raise _wrong_address(self.url, "not a valid URL") from error
        except requests.Timeout as error:
            if repeat:
                raise Unreachable(cause(error)) from error
            raise Unavailable(f"MLflow at {self.url} timed out after {TIMEOUT_S[1]} s", "", "try again") from error
        except requests.RequestException as error:
            # a refused connection never reached the server; after any other error the server may have acted
            if repeat or "refused" in str(error).lower():
                raise Unreachable(cause(error)) from error
            raise Unavailable(
                f"MLflow at {self.url}: connection lost during {method} {url.rpartition('/mlflow/')[2]}", "", "try again"
            ) from error
        if response.status_code in RETRIED_STATUSES and repeat:
            raise Unreachable(f"HTTP {response.status_code}")
        if not response.ok and repeat and LOST_RACE in response.text:
            raise Unreachable("another client wrote the same row at the same moment")
        if not response.ok:
            raise _refusal(response, self.url)
        return response


def _parsed(response: requests.Response, url: str) -> dict[str, Any]:
    """The JSON object of an answer; a server that is not MLflow usually answers with HTML."""
    try:
        answer = response.json()
    except ValueError as error:
        raise _wrong_address(url, "it does not answer as MLflow") from error
    return answer if isinstance(answer, dict) else {}


def _wrong_address(url: str, why: str) -> BadInput:
    return BadInput(f"no MLflow at {url!r}: {why}", "a URL such as http://127.0.0.1:5000", "correct TRAINSHED_MLFLOW_URI")


def _refusal(response: requests.Response, url: str) -> TrainshedError:
    """The typed error for an unsuccessful answer."""
    try:
        body = response.json()
        code, message = str(body.get("error_code", "")), str(body.get("message", ""))
    except ValueError:
        code, message = "", response.text[:200]
    if code == "RESOURCE_DOES_NOT_EXIST" or (code and response.status_code == requests.codes.not_found):
        return Missing(message)
    if response.status_code == requests.codes.not_found:
        return _wrong_address(url, "it does not answer as MLflow")
    if code == "RESOURCE_ALREADY_EXISTS":
        return Exists(message)
    if response.status_code in {401, 403}:
        return BadInput(
            f"MLflow at {url}: {'unauthenticated' if response.status_code == 401 else 'permission denied'} (HTTP {response.status_code})",
            "valid credentials",
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        )
    if response.status_code in RETRIED_STATUSES:
        return Unavailable(f"MLflow at {url}: HTTP {response.status_code}", "", "try again")
    return BadInput(f"MLflow at {url} refused a request: {code or response.status_code} {message}", "", "trainshed logs mlflow")
