"""A log of what a served model is asked: sampled, redacted, and written in batches by a thread of its own.

It is off unless these variables are set when the model is loaded:

- ``TRAINSHED_INPUT_LOG``: where to write, e.g. ``s3://pipeline/served/<model>``: any address that MLflow can log artifacts to;
- ``TRAINSHED_INPUT_LOG_RATE``: share of the rows that are kept, 0.1 unless it is set;
- ``TRAINSHED_INPUT_LOG_SEED``: an integer that makes the choice of rows repeatable.

A prediction never waits for the log and never fails by it. It only puts rows into a buffer of `BUFFER` rows. What does not fit, or could
not be written, is dropped and counted. Each process writes at most one object a minute, so rate and traffic do not decide how many
there are: ``<day>/<time>-<process>-<number>.jsonl``, a JSON object in each line with the cleaned input that the model saw.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import queue
import random
import secrets
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput
from pipeline.privacy.hide import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.corpus.documents import Document

BUFFER = 1000
"""Rows that wait, at most; also the most that an object holds."""

FLUSH_S = 60.0
"""Seconds between two objects."""

MAX_CHARS = 20_000
"""Characters of a text that are kept."""

LAST_S = 5.0
"""Seconds that the end of the process waits for the last object."""

RATE = 0.1

log = logging.getLogger(__name__)


class InputLog:
    """A buffer of sampled rows, and the thread that writes them."""

    def __init__(
        self, send: Callable[[str, bytes], None], document: Callable[[Mapping[str, Any]], Document], rate: float, seed: int | None
    ) -> None:
        """Start nothing yet: the thread begins with the first row, in the process that serves.

        Args:
            send: writes an object, given its key below the log and its bytes; may raise.
            document: row of a request → cleaned input.
            rate: share of the rows that are kept.
            seed: of the choice; None takes another one each time.
        """
        self.dropped = 0
        """Rows that were chosen and lost."""
        self._send, self._document, self._rate = send, document, rate
        self._draw = random.Random(seed)
        self._buffer: queue.Queue[Mapping[str, Any]] = queue.Queue(BUFFER)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._name, self._number = secrets.token_hex(4), 0

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep some of the rows of a request that was answered. Neither waits nor raises."""
        for row in rows:
            if self._draw.random() >= self._rate:
                continue
            try:
                self._buffer.put_nowait(row)
            except queue.Full:
                self.dropped += 1
        if self._thread is None:
            self._start()

    def flush(self) -> None:
        """Write what is buffered as one object. Never raises."""
        rows = [self._buffer.get_nowait() for _ in range(self._buffer.qsize())]
        if not rows:
            return
        self._number += 1
        now = datetime.now(UTC)
        try:
            lines = "".join(f"{json.dumps(self._line(row, now), ensure_ascii=False)}\n" for row in rows)
            self._send(f"{now:%Y-%m-%d}/{now:%H%M%S}-{self._name}-{self._number}.jsonl", lines.encode("utf-8", "replace"))
        except Exception as error:  # noqa: BLE001 - a log must not end the process that serves, whatever the store does
            self.dropped += len(rows)
            log.warning("the log of inputs lost %d rows, %d in all: %s: %s", len(rows), self.dropped, type(error).__name__, error)

    def close(self) -> None:
        """Write the last rows, and wait a few seconds for it."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(LAST_S)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="input-log", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def _run(self) -> None:
        while not self._ended.wait(FLUSH_S):
            self.flush()
        self.flush()

    def _line(self, row: Mapping[str, Any], now: datetime) -> dict[str, str | None]:
        found = self._document(row)
        pair = None if found.pair is None else _shown(found.pair)
        return {"time": now.isoformat(), "text": _shown(found.text), "pair": pair}


def _shown(text: str) -> str:
    """The redacted start of a text. Twice as much is read, so that nothing is cut in two before it is found, and no more: patterns hold the GIL."""
    return mask(text[: 2 * MAX_CHARS])[:MAX_CHARS]


def open_input_log(document: Callable[[Mapping[str, Any]], Document], environment: Mapping[str, str] = os.environ) -> InputLog | None:
    """The log that the environment asks for; None if it asks for none.

    Raises:
        BadInput: a variable has a value that cannot be used.
    """
    address = environment.get("TRAINSHED_INPUT_LOG")
    if not address:
        return None
    rate = _number("TRAINSHED_INPUT_LOG_RATE", environment, float, RATE)
    if rate is None or not 0 < rate <= 1:
        raise BadInput(f"TRAINSHED_INPUT_LOG_RATE = {rate}", "a share above 0, 1 at most", "correct it, or unset TRAINSHED_INPUT_LOG")
    return InputLog(_sender(address), document, rate, _number("TRAINSHED_INPUT_LOG_SEED", environment, int, None))


def _number(name: str, environment: Mapping[str, str], kind: type[float], default: float | None) -> Any:  # noqa: ANN401 - an int or a float
    value = environment.get(name)
    try:
        return kind(value) if value else default
    except ValueError as error:
        raise BadInput(f"{name} = {value!r}", "a number", f"correct {name}") from error


def _sender(address: str) -> Callable[[str, bytes], None]:
    """Writes objects below an address, by MLflow's client for that kind of store.

    Raises:
        BadInput: MLflow has no client for it.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        repository = get_artifact_repository(address)
    except (MlflowException, ImportError) as error:
        fix = "correct TRAINSHED_INPUT_LOG, or install the client, e.g. boto3 for s3://"
        raise BadInput(f"TRAINSHED_INPUT_LOG = {address!r}: {str(error).splitlines()[0]}", "", fix) from error

    def send(key: str, data: bytes) -> None:
        folder, _, name = key.rpartition("/")
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / name
            path.write_bytes(data)
            repository.log_artifact(str(path), folder)

    return send
