"""A client of Airflow's public REST API (v2), with the calls that the command line needs; it does not import Airflow.

Every call is retried while the server is unreachable, e.g. restarting while a person watches a run. Triggering a run can be
retried too, because the caller chooses its id: "exists already" after a lost response means that the first call arrived.
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
# short, because a person watches
LONGEST_PAUSE_S = 3.0
PAGE = 100
UNAVAILABLE = frozenset({429, 500, 502, 503, 504})
ENDED = frozenset({"success", "skipped", "failed", "upstream_failed", "removed"})
STARTED = frozenset({"running", "queued", "up_for_retry", "restarting"})
WAITING = frozenset({"awaiting_input", "deferred"})
NO_ADDRESS = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Task(NamedTuple):
    """One task of a run: its present state."""

    id: str
    state: str
    """``none`` before it is scheduled, then ``queued``, ``running``, ``up_for_retry``, ``success``, ``skipped``, ``failed``, ..."""

    attempt: int
    """Number of the newest attempt, from 1; 0 before the first."""

    started: str | None
    """Start of the newest attempt, ISO 8601."""

    seconds: float | None
    """Duration of an ended task, in seconds."""

    map_index: int = -1
    """Position of a mapped task; -1 for one that is not mapped."""

    @property
    def name(self) -> str:
        """Its id; of a mapped one with its position, e.g. ``finetuning_1[3]``."""
        return self.id if self.map_index < 0 else f"{self.id}[{self.map_index}]"


class DagRun(NamedTuple):
    """One run of a DAG."""

    dag: str
    id: str
    state: str
    """``queued``, ``running``, ``success`` or ``failed``."""


class ImportFailure(NamedTuple):
    """An import error of a DAG file."""

    file: str
    """Its path below the DAG folder."""

    seen: str
    """Time of the parse that found it, ISO 8601; each parse gives a new one."""

    why: str
    """The last line of the traceback."""


class Question(NamedTuple):
    """A task that waits for a person."""

    dag: str
    run: str
    task: str
    map_index: int
    """-1 for a task that is not mapped."""

    subject: str
    people: tuple[str, ...]
    """The users who may answer; empty: anybody."""


class NotFoundInAirflow(TrainshedError):
    """Airflow has no such DAG, run, task or value (HTTP 404)."""


class Airflow:
    """One Airflow API server."""

    def __init__(self, settings: Settings, retry_s: float = RETRY_S) -> None:
        """Create a client; nothing is sent yet.

        Args:
            settings: address and log-in.
            retry_s: how long an unreachable server is retried, in seconds.
        """
        self.url = settings.airflow_url.rstrip("/")
        self.retry = RetryPolicy(retry_s, f"Airflow at {self.url}", "", "run `trainshed up`", LONGEST_PAUSE_S)
        password = settings.airflow_password
        self._login = {"username": settings.airflow_username, "password": password.get_secret_value() if password else ""}
        self._session = requests.Session()
        # a proxy must not get requests for 127.0.0.1
        self._session.trust_env = urlsplit(self.url).hostname not in LOOPBACK

    def dag(self, name: str) -> dict[str, Any] | None:
        """A DAG with its ``is_paused`` and ``file_token``; None if it does not exist or is stale."""
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
        """Ask Airflow to parse a DAG file at once; an earlier request that is still pending is no error."""
        self._call("PUT", f"parseDagFile/{file_token}", accepted=frozenset({409}))

    def import_errors(self) -> list[ImportFailure]:
        """The import errors of all DAG files."""
        found = self._pages("importErrors", "import_errors", {})
        return [ImportFailure(row["filename"], row["timestamp"], row["stack_trace"].strip().splitlines()[-1]) for row in found]

    def has_connection(self, name: str) -> bool:
        """Whether Airflow's database has a connection. Secrets backends and environment variables, which come first, are not visible."""
        try:
            self._call("GET", f"connections/{_path(name)}")
        except NotFoundInAirflow:
            return False
        return True

    def pool_slots(self, name: str) -> int | None:
        """Number of slots of a pool; None if there is no such pool."""
        try:
            return int(self._call("GET", f"pools/{_path(name)}")["slots"])
        except NotFoundInAirflow:
            return None

    def trigger(self, dag: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Start a run with the id ``run_id``; a run with that id is no error.

        Raises:
            BadInput: ``conf`` does not match the params of the DAG.
            NotFoundInAirflow: no such DAG.
        """
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf)}
        self._call("POST", f"dags/{_path(dag)}/dagRuns", body, accepted=frozenset({409}))

    def run(self, dag: str, run_id: str) -> DagRun:
        """State of a run."""
        return _run(self._call("GET", f"dags/{_path(dag)}/dagRuns/{_path(run_id)}"))

    def runs(self, dag: str = "~", state: str | None = None) -> list[DagRun]:
        """The newest hundred runs of a DAG, or of all DAGs, newest first."""
        query = {"order_by": "-run_after", "limit": PAGE, **({"state": state} if state else {})}
        return [_run(row) for row in self._call("GET", f"dags/{_path(dag)}/dagRuns", query)["dag_runs"]]

    def runs_like(self, part: str) -> list[DagRun]:
        """All runs of all DAGs whose id contains a text, newest first; ``-`` in it stands for any one character."""
        # Airflow searches by ILIKE, where an underscore is any one character
        query = {"order_by": "-run_after", "run_id_pattern": part.replace("-", "_")}
        return [_run(row) for row in self._pages("dags/~/dagRuns", "dag_runs", query)]

    def tasks(self, dag: str, run_id: str) -> dict[str, Task]:
        """The tasks of a run by name."""
        rows = self._pages(f"dags/{_path(dag)}/dagRuns/{_path(run_id)}/taskInstances", "task_instances", {})
        return {task.name: task for task in map(_task, rows)}

    def deferred(self) -> int:
        """How many tasks are deferred to the triggerer."""
        query = {"state": "deferred", "limit": 1}
        count: int = self._call("GET", "dags/~/dagRuns/~/taskInstances", query)["total_entries"]
        return count

    def return_value(self, dag: str, run_id: str, task: str) -> Any | None:  # noqa: ANN401 - any JSON value
        """The return value of a task; None if it has none."""
        place = f"dags/{_path(dag)}/dagRuns/{_path(run_id)}/taskInstances/{_path(task)}/xcomEntries/return_value"
        try:
            value = self._call("GET", place)["value"]
        except NotFoundInAirflow:
            return None
        return json.loads(value) if isinstance(value, str) else value

    def questions(self, dag: str) -> list[Question]:
        """The tasks of a DAG that wait for a person, newest first."""
        rows = self._pages(
            f"dags/{_path(dag)}/dagRuns/~/hitlDetails", "hitl_details", {"response_received": False, "order_by": "-created_at"}
        )
        # a task whose state was set by hand keeps its question, but waits no longer
        return [_question(row) for row in rows if row["task_instance"]["state"] in WAITING]

    def answer(self, question: Question, option: str, fields: Mapping[str, Any]) -> None:
        """Answer a waiting task as the user who is logged in.

        Raises:
            BadInput: this user may not answer, or somebody has answered.
        """
        place = f"dags/{_path(question.dag)}/dagRuns/{_path(question.run)}/taskInstances/{_path(question.task)}"
        self._call("PATCH", f"{place}/{question.map_index}/hitlDetails", {"chosen_options": [option], "params_input": dict(fields)})

    def log(self, dag: str, run_id: str, task: str, attempt: int, map_index: int = -1) -> Iterator[str]:
        """Lines of the log of one attempt, without those of Airflow's own preparations."""
        place = f"dags/{_path(dag)}/dagRuns/{_path(run_id)}/taskInstances/{_path(task)}/logs/{attempt}"
        query = {"full_content": "true", "map_index": map_index}
        text = self._send("GET", place, query, frozenset(), "application/x-ndjson").text
        group = False
        for entry in map(json.loads, text.splitlines()):
            event = str(entry.get("event", ""))
            group = event.startswith("::group::") or (group and not event.startswith("::endgroup::"))
            # a group holds lines about the preparation of the task; only its errors matter to people
            if not (group or event.startswith("::endgroup::")) or entry.get("level") in {"error", "critical"}:
                yield from _log_lines(entry)

    def fail(self, dag: str, run_id: str) -> None:
        """Stop a run: running tasks are stopped, the others do not start.

        Each task is marked as failed, the started ones last. Marking the whole run would mark pending tasks as skipped, and a
        scheduler that checks at that moment finds every leaf skipped and marks the run as successful (seen with 3.3.2).
        """
        if self.run(dag, run_id).state == "queued":
            self._call("PATCH", f"dags/{_path(dag)}/dagRuns/{_path(run_id)}", {"state": "failed"})
            return
        pending = [task for task in self.tasks(dag, run_id).values() if task.state not in ENDED]
        for task in sorted(pending, key=lambda task: task.state in STARTED):
            place = f"dags/{_path(dag)}/dagRuns/{_path(run_id)}/taskInstances/{_path(task.id)}/{task.map_index}"
            # 409: the task has ended since
            self._call("PATCH", place, {"new_state": "failed"}, accepted=frozenset({409}))
        if self.dag(dag) is None:
            # the scheduler ignores the runs of a DAG that no longer exists, so nothing else would end this run
            self._call("PATCH", f"dags/{_path(dag)}/dagRuns/{_path(run_id)}", {"state": "failed"}, accepted=frozenset({409}))

    def clear_failed(self, dag: str, run_id: str) -> None:
        """Clear the failed tasks of a run that has ended: it goes on."""
        body = {"dry_run": False, "dag_run_id": run_id, "only_failed": True, "reset_dag_runs": True}
        self._call("POST", f"dags/{_path(dag)}/clearTaskInstances", body)

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
            method: for ``GET``, ``body`` is the query.
            path: path below ``/api/v2/``.
            body: JSON body or query.
            accepted: HTTP error statuses that count as success.

        Raises:
            BadInput: the request or the log-in was refused.
            NotFoundInAirflow: HTTP 404.
            Unavailable: the server did not answer within ``retry_s``.
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
        if response.status_code == requests.codes.unauthorized:  # the token has expired, or the server has a new key
            self._log_in()
            response = self._ask(method, f"api/v2/{path}", body, media)
        return response

    def _log_in(self) -> None:
        self._session.headers.pop("Authorization", None)
        response = self._ask("POST", "auth/token", self._login, "application/json")
        if not response.ok:
            raise BadInput(
                f"Airflow at {self.url} refused the log-in of {self._login['username']!r}: HTTP {response.status_code}",
                "",
                "set TRAINSHED_AIRFLOW_USERNAME and TRAINSHED_AIRFLOW_PASSWORD",
            )
        self._session.headers["Authorization"] = f"Bearer {_parsed(response, self.url).get('access_token', '')}"

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, media: str) -> requests.Response:
        given: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        try:
            response = self._session.request(method, f"{self.url}/{path}", headers={"Accept": media}, timeout=TIMEOUT_S, **given)
        except NO_ADDRESS as error:
            raise _wrong_address(self.url, "not a valid URL") from error
        except requests.RequestException as error:
            raise Unreachable(cause(error)) from error
        if response.status_code in UNAVAILABLE:
            raise Unreachable(f"HTTP {response.status_code}")
        return response


def _path(part: str) -> str:
    return quote(part, safe="~")


def _run(row: Mapping[str, Any]) -> DagRun:
    return DagRun(row["dag_id"], row["dag_run_id"], row["state"])


def _task(row: Mapping[str, Any]) -> Task:
    # for people, a deferred task is running: its component runs
    state = "running" if row["state"] == "deferred" else row["state"] or "none"
    return Task(row["task_id"], state, row["try_number"], row["start_date"], row["duration"], row["map_index"])


def _question(row: Mapping[str, Any]) -> Question:
    task = row["task_instance"]
    people = tuple(user["id"] for user in row.get("assigned_users") or ())
    return Question(task["dag_id"], task["dag_run_id"], task["task_id"], task["map_index"], row["subject"], people)


def _log_lines(entry: Mapping[str, Any]) -> Iterator[str]:
    """One event of Airflow's structured log as lines for people, followed by its exceptions."""
    yield str(entry.get("event", ""))
    for detail in entry.get("error_detail") or ():
        yield f"{detail['exc_type']}: {detail['exc_value']}"


def _parsed(response: requests.Response, url: str) -> dict[str, Any]:
    """The JSON object of a response; another kind of server answers with a web page."""
    try:
        answer = response.json()
    except ValueError as error:
        raise _wrong_address(url, "the answer is not JSON") from error
    return answer if isinstance(answer, dict) else {}


def _wrong_address(url: str, why: str) -> BadInput:
    return BadInput(f"no Airflow at {url!r}: {why}", "a URL such as http://127.0.0.1:8080", "correct TRAINSHED_AIRFLOW_URL")


def _refusal(response: requests.Response, url: str) -> TrainshedError:
    """The error for an unsuccessful response; of a schema violation only the first line."""
    try:
        detail = response.json().get("detail", "")
    except ValueError:
        detail = response.text
    first = str(detail).strip().partition("\n")[0][:300]
    if response.status_code == requests.codes.not_found:
        return NotFoundInAirflow(f"Airflow at {url}: {first}")
    if response.status_code == requests.codes.forbidden:
        return BadInput(f"permission denied by Airflow at {url}", "", "set TRAINSHED_AIRFLOW_USERNAME to a user with permission")
    return BadInput(f"Airflow refused the request: {first or response.status_code}", "", "correct the value")
