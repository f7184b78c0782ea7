"""A client of Airflow's public REST API (v2), as much of it as the command line needs; it imports no Airflow.

Everything that is asked survives a server that is away for a while (it may be restarted while a person watches a run). Starting
a run is safe to repeat as well, because the caller chooses the run's id: "exists already" after a lost answer means it is ours.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

import requests

from pipeline.errors import BadInput, TrainshedError
from pipeline.retry import RetryPolicy, Unreachable, cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.settings import Settings

TIMEOUT_S = (3, 30)
RETRY_S = 60.0
# a person watches: the next look should not be far away
LONGEST_PAUSE_S = 3.0
PAGE = 100
AWAY = frozenset({429, 500, 502, 503, 504})
ENDED = frozenset({"success", "skipped", "failed", "upstream_failed", "removed"})
AT_WORK = frozenset({"running", "queued", "up_for_retry", "restarting"})
NO_ADDRESS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Task(NamedTuple):
    """One task of a run, as Airflow sees it now."""

    id: str
    state: str
    """``none`` before it is scheduled, then ``queued``, ``running``, ``up_for_retry``, ``success``, ``skipped``, ``failed``, ..."""

    attempt: int
    """Number of the newest attempt, from 1; 0 before the first."""

    started: str | None
    """When the newest attempt began, ISO 8601."""

    seconds: float | None
    """How long it took, once it has ended."""


class DagRun(NamedTuple):
    """One run of a DAG."""

    dag: str
    id: str
    state: str
    """``queued``, ``running``, ``success`` or ``failed``."""


class ImportFailure(NamedTuple):
    """A DAG file that Airflow cannot import."""

    file: str
    """Its path below the DAG folder."""

    seen: str
    """When that was last found, ISO 8601; another one each time the file is parsed."""

    why: str
    """The last line of the traceback."""


class NotFoundInAirflow(TrainshedError):
    """Airflow knows no such thing."""


class Airflow:
    """One Airflow API server."""

    def __init__(self, settings: Settings, retry_s: float = RETRY_S) -> None:
        """Remember where the server is; nothing is sent yet.

        Args:
            settings: address and log-in.
            retry_s: how long a server that is away is waited for, in seconds.
        """
        self.url = settings.airflow_url.rstrip("/")
        self.retry = RetryPolicy(retry_s, f"Airflow at {self.url}", "a running stack", "run `trainshed up`", LONGEST_PAUSE_S)
        password = settings.airflow_password
        self._login = {"username": settings.airflow_username, "password": password.get_secret_value() if password else ""}
        self._session = requests.Session()
        # a proxy that is set for the outside would be asked for its own 127.0.0.1
        self._session.trust_env = urlsplit(self.url).hostname not in LOOPBACK

    def dag(self, name: str) -> dict[str, Any] | None:
        """What Airflow knows of a DAG, ``is_paused`` and ``file_token`` among it; None when there is no such DAG."""
        try:
            found = self._call("GET", f"dags/{_path(name)}")
        except NotFoundInAirflow:
            return None
        return None if found.get("is_stale") else found

    def dags(self) -> list[dict[str, Any]]:
        """All DAGs."""
        return self._pages("dags", "dags", {})

    def step_ids(self, dag: str) -> frozenset[str]:
        """Ids of a DAG's tasks."""
        return frozenset(task["task_id"] for task in self._call("GET", f"dags/{_path(dag)}/tasks")["tasks"])

    def parse(self, file_token: str) -> None:
        """Ask for a DAG file to be parsed at once; a request that waits already is as good."""
        self._call("PUT", f"parseDagFile/{file_token}", accepted=frozenset({409}))

    def import_errors(self) -> list[ImportFailure]:
        """The DAG files that cannot be imported."""
        found = self._pages("importErrors", "import_errors", {})
        return [ImportFailure(row["filename"], row["timestamp"], row["stack_trace"].strip().splitlines()[-1]) for row in found]

    def has_connection(self, name: str) -> bool:
        """Whether Airflow's database holds a connection; secrets backends and variables, which come first, cannot be asked."""
        try:
            self._call("GET", f"connections/{_path(name)}")
        except NotFoundInAirflow:
            return False
        return True

    def trigger(self, dag: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Start a run under an id of our own.

        Raises:
            BadInput: the DAG's params refuse ``conf``.
            NotFoundInAirflow: no such DAG.
        """
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        self._call("POST", f"dags/{_path(dag)}/dagRuns", body, accepted=frozenset({409}))

    def run(self, dag: str, run_id: str) -> DagRun:
        """State of a run."""
        return _run(self._call("GET", f"dags/{_path(dag)}/dagRuns/{_path(run_id)}"))

    def runs(self, dag: str = "~", state: str | None = None) -> list[DagRun]:
        """The newest hundred runs of a DAG, or of all of them, newest first."""
        query = {"order_by": "-run_after", "limit": PAGE, **({"state": state} if state else {})}
        return [_run(row) for row in self._call("GET", f"dags/{_path(dag)}/dagRuns", query)["dag_runs"]]

    def tasks(self, dag: str, run_id: str) -> dict[str, Task]:
        """The tasks of a run by id."""
        rows = self._pages(f"dags/{_path(dag)}/dagRuns/{_path(run_id)}/taskInstances", "task_instances", {})
        return {row["task_id"]: _task(row) for row in rows}

    def deferred(self) -> int:
        """How many tasks have left their workers to a trigger."""
        query = {"state": "deferred", "limit": 1}
        count: int = self._call("GET", "dags/~/dagRuns/~/taskInstances", query)["total_entries"]
        return count

    def returned(self, dag: str, run_id: str, task: str) -> bool:
        """Whether a task left a return value."""
        try:
            self._call("GET", f"dags/{_path(dag)}/dagRuns/{_path(run_id)}/taskInstances/{_path(task)}/xcomEntries/return_value")
        except NotFoundInAirflow:
            return False
        return True

    def log(self, dag: str, run_id: str, task: str, attempt: int) -> Iterator[str]:
        """Lines of the log of one attempt, without what Airflow says of its own preparations."""
        place = f"dags/{_path(dag)}/dagRuns/{_path(run_id)}/taskInstances/{_path(task)}/logs/{attempt}"
        text = self._send("GET", place, {"full_content": "true"}, frozenset(), "application/x-ndjson").text
        group = False
        for entry in map(json.loads, text.splitlines()):
            event = str(entry.get("event", ""))
            group = event.startswith("::group::") or (group and not event.startswith("::endgroup::"))
            # Airflow's groups tell how it prepares a task; only what goes wrong there is for people
            if not (group or event.startswith("::endgroup::")) or entry.get("level") in {"error", "critical"}:
                yield from _log_lines(entry)

    def fail(self, dag: str, run_id: str) -> None:
        """End a run: what runs is told to stop, the rest does not begin.

        Task by task and from the end, not by the state of the whole run: that marks the pending tasks as skipped, and a
        scheduler that looks at that moment finds every leaf skipped and calls the run a success (seen with 3.3.2).
        """
        if self.run(dag, run_id).state == "queued":
            self._call("PATCH", f"dags/{_path(dag)}/dagRuns/{_path(run_id)}", {"state": "failed"})
            return
        pending = [task for task in self.tasks(dag, run_id).values() if task.state not in ENDED]
        for task in sorted(pending, key=lambda task: task.state in AT_WORK):
            place = f"dags/{_path(dag)}/dagRuns/{_path(run_id)}/taskInstances/{_path(task.id)}"
            # 409: it has ended, or failed, meanwhile
            self._call("PATCH", place, {"new_state": "failed"}, accepted=frozenset({409}))
        if self.dag(dag) is None:
            # no scheduler looks at the runs of a DAG that went away, so none would ever end this one
            self._call("PATCH", f"dags/{_path(dag)}/dagRuns/{_path(run_id)}", {"state": "failed"}, accepted=frozenset({409}))

    def _pages(self, path: str, key: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", path, {**query, "limit": PAGE, "offset": len(rows)})
            rows += page[key]
            if len(rows) >= page["total_entries"] or not page[key]:
                return rows

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, accepted: frozenset[int] = frozenset()
    ) -> dict[str, Any]:
        """Call ``/api/v2/<path>``.

        Args:
            method: ``GET`` makes ``body`` the query.
            path: below ``/api/v2/``.
            body: JSON body or query.
            accepted: statuses that count as success though HTTP says otherwise.

        Raises:
            BadInput: the request, or the log-in, is refused.
            NotFoundInAirflow: HTTP 404.
            Unavailable: no answer within the patience.
        """
        response = self._send(method, path, body, accepted, "application/json")
        return _parsed(response, self.url) if response.content else {}

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, accepted: frozenset[int], media: str) -> requests.Response:
        response = self.retry.call(lambda: self._once(method, path, body, media))
        if not response.ok and response.status_code not in accepted:
            raise _refusal(response, self.url)
        return response

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None, media: str) -> requests.Response:
        if "Authorization" not in self._session.headers:
            self._log_in()
        response = self._ask(method, f"api/v2/{path}", body, media)
        if response.status_code == requests.codes.unauthorized:  # the token has run out, or the server has a new key
            self._log_in()
            response = self._ask(method, f"api/v2/{path}", body, media)
        return response

    def _log_in(self) -> None:
        self._session.headers.pop("Authorization", None)
        response = self._ask("POST", "auth/token", self._login, "application/json")
        if not response.ok:
            raise BadInput(
                f"Airflow at {self.url} refused user {self._login['username']!r}: HTTP {response.status_code}",
                "valid credentials",
                "set TRAINSHED_AIRFLOW_USERNAME and TRAINSHED_AIRFLOW_PASSWORD",
            )
        self._session.headers["Authorization"] = f"Bearer {_parsed(response, self.url).get('access_token', '')}"

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, media: str) -> requests.Response:
        given: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        try:
            response = self._session.request(method, f"{self.url}/{path}", headers={"Accept": media}, timeout=TIMEOUT_S, **given)
        except NO_ADDRESS as error:
            raise _wrong_address(self.url, "it is no URL of a server") from error
        except requests.RequestException as error:
            raise Unreachable(cause(error)) from error
        if response.status_code in AWAY:
            raise Unreachable(f"HTTP {response.status_code}")
        return response


def _path(part: str) -> str:
    return quote(part, safe="~")


def _run(row: Mapping[str, Any]) -> DagRun:
    return DagRun(row["dag_id"], row["dag_run_id"], row["state"])


def _task(row: Mapping[str, Any]) -> Task:
    # a task that has left its worker to a trigger: what matters to whoever looks is that its component runs
    state = "running" if row["state"] == "deferred" else row["state"] or "none"
    return Task(row["task_id"], state, row["try_number"], row["start_date"], row["duration"])


def _log_lines(entry: Mapping[str, Any]) -> Iterator[str]:
    """One event of Airflow's structured log as lines for people; the reason of an exception follows it."""
    yield str(entry.get("event", ""))
    for detail in entry.get("error_detail") or ():
        yield f"{detail['exc_type']}: {detail['exc_value']}"


def _parsed(response: requests.Response, url: str) -> dict[str, Any]:
    """The JSON object of an answer; another kind of server answers with a page of its own."""
    try:
        answer = response.json()
    except ValueError as error:
        raise _wrong_address(url, "it does not answer as Airflow does") from error
    return answer if isinstance(answer, dict) else {}


def _wrong_address(url: str, why: str) -> BadInput:
    return BadInput(f"no Airflow at {url!r}: {why}", "a URL such as http://127.0.0.1:8080", "correct TRAINSHED_AIRFLOW_URL")


def _refusal(response: requests.Response, url: str) -> TrainshedError:
    """The error that an unsuccessful answer stands for; of a schema's complaint only the first line is for people."""
    try:
        detail = response.json().get("detail", "")
    except ValueError:
        detail = response.text
    first = str(detail).strip().partition("\n")[0][:300]
    if response.status_code == requests.codes.not_found:
        return NotFoundInAirflow(f"Airflow at {url}: {first}")
    if response.status_code == requests.codes.forbidden:
        return BadInput(f"Airflow at {url} does not let this user do that", "a user who may", "set TRAINSHED_AIRFLOW_USERNAME")
    return BadInput(f"Airflow refused: {first or response.status_code}", "a request it accepts", "correct the value")
