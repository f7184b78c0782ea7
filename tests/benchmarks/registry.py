"""What commands about models cost with a ledger of 1,000 entries, on a real S3 and a real MLflow server: whole processes.

Every twentieth challenger was promoted, the others were refused; the newest entry is a proposal that waits. The models have a few bytes, so
what is measured of a rollback and of a promotion is what they cost beyond verifying bytes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.in_turn import interleaved, spread
from fixtures.mlflow import running_mlflow
from fixtures.registered import Registered, commit_report
from fixtures.s3 import running_s3

from pipeline.artifacts import open_artifacts
from pipeline.registry.aliases import sync_aliases
from pipeline.registry.answers import record_answer
from pipeline.registry.end_proposal import end_proposal
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from pipeline.settings import Settings

ENTRIES = 1000
EVERY = 20
NAME = "big-ledger"


def registry_rows() -> list[tuple[str, str, str]]:
    """Rows for the table."""
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as folder:
        place = Path(folder)
        for name in ("s3", "mlflow"):
            (place / name).mkdir()
        with running_s3(place / "s3") as s3, running_mlflow(place / "mlflow") as mlflow:
            settings = s3.settings(place, "bench", mlflow_uri=mlflow.uri)
            return _measure(make_registered(settings), settings)


def make_registered(settings: Settings) -> Registered:
    """A model with a long ledger: versions of four models, the first of them promoted first."""
    artifacts = open_artifacts(settings)
    made = Registered(settings, artifacts, Ledger(artifacts.store, NAME))
    names = [f"model {number}" for number in range(4)]
    challengers = [made.register(name) for name in names]
    reports = [commit_report(artifacts, each.model, (10.0, 20.0 + 5 * number, 30.0)) for number, each in enumerate(challengers)]
    challengers = [each.model_copy(update={"report": report.reference}) for each, report in zip(challengers, reports, strict=True)]
    entries, champion = [], None
    for number in range(1, ENTRIES):
        promoted = number % EVERY == 1
        value = 30 + 10 * number / ENTRIES + (number * 7919 % 13) / 13 - (0 if promoted else 2)
        decision = Outcome.PROMOTED if promoted else Outcome.REFUSED
        entries.append(made.entry(challengers[number // EVERY % 3], decision, value, number, champion))
        champion = number if promoted else champion
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(made.ledger.append, entries))
    made.propose(challengers[3], 45.0)
    sync_aliases(MlflowServer(settings), made.ledger)
    return made


def _measure(made: Registered, settings: Settings) -> list[tuple[str, str, str]]:
    env = {**os.environ, **_environment(settings)}
    shown = [("models", "list"), ("models", "show", NAME), ("models", "history", NAME), ("open", "--no-browser")]
    shown += [("models", "compare", NAME, "1", "2"), ("models", "verify", NAME)]
    commands = [Command(env, words) for words in shown]
    times = interleaved(*(command.run for command in commands))
    bars = ["≤ 1 s"] * 4 + [""] * 2  # these read reports, or every entry and every byte of the champion
    rows = []
    for command, found, bar in zip(commands, times, bars, strict=True):
        name = " ".join(word for word in command.words[:2] if not word.startswith("-"))
        rows.append((f"`trainshed {name}`, {ENTRIES:,} entries, whole process", f"{spread(found)}; {command.cpu}", bar))
    beyond = "≤ 2 s beyond verifying bytes"
    rows.append(("the end of a proposal: answers read → ledger and aliases", spread(_promotions(made, settings)), beyond))
    back, forward = (Command(env, ("models", "rollback", NAME, "--to", version)) for version in ("1", "2"))
    (times,) = interleaved(lambda: (back.run() + forward.run()) / 2)
    return [*rows, ("`trainshed models rollback --to`, whole process", f"{spread(times)}; {back.cpu}", beyond)]


def _promotions(made: Registered, settings: Settings) -> list[float]:
    """Seconds of some promotions, one after another."""
    found, server = [], MlflowServer(settings)
    for _ in range(5):
        proposal = made.ledger.waiting(made.ledger.head()) or made.propose(made.register(f"model {time.time_ns()}"), 45.0)
        record_answer(made.ledger, proposal, "ann", "bench", approve=True)
        began = time.perf_counter()
        end_proposal(Ledger(open_artifacts(settings).store, NAME), proposal.number, "bench")
        sync_aliases(server, made.ledger)
        found.append(time.perf_counter() - began)
    return found


def _environment(settings: Settings) -> dict[str, str]:
    access, secret = settings.s3_access_key, settings.s3_secret_key
    assert access is not None
    assert secret is not None
    return {
        "TRAINSHED_STATE": str(settings.state),
        "TRAINSHED_STORE": settings.store,
        "TRAINSHED_S3_ENDPOINT": str(settings.s3_endpoint),
        "TRAINSHED_MLFLOW_URI": settings.mlflow_uri,
        "AWS_ACCESS_KEY_ID": access.get_secret_value(),
        "AWS_SECRET_ACCESS_KEY": secret.get_secret_value(),
        "AWS_SESSION_TOKEN": "",
        # for a command, the folder of tests would put `tests/pipeline` in the place of `pipeline`
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


class Command:
    """A command as a whole process, with its CPU time: on a shared machine, only that says what it costs."""

    def __init__(self, env: dict[str, str], words: tuple[str, ...]) -> None:
        self.env, self.words = env, words
        self._cpu: list[float] = []

    def run(self) -> float:
        """Seconds that it takes."""
        before, began = os.times(), time.perf_counter()
        done = subprocess.run(
            [str(Path(sys.executable).with_name("trainshed")), *self.words], env=self.env, capture_output=True, text=True, check=False
        )
        seconds, after = time.perf_counter() - began, os.times()
        if done.returncode:
            raise SystemExit(f"trainshed {' '.join(self.words)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        self._cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
        return seconds

    @property
    def cpu(self) -> str:
        """Median of the CPU time."""
        return f"CPU {statistics.median(self._cpu):.2f} s"
