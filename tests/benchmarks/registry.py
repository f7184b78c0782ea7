"""What commands about models cost with a ledger of 1,000 entries, on a real S3 and a real MLflow server: whole processes.

Every twentieth challenger was promoted, the others were refused; the newest entry is a proposal that waits. The models have a few bytes, so
what is measured of a rollback and of a promotion is what they cost beyond verifying bytes.
"""

from __future__ import annotations

import os
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
    from collections.abc import Callable

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
    shown = [("list",), ("show", NAME), ("history", NAME), ("compare", NAME, "1", "2"), ("verify", NAME)]
    times = interleaved(*(_timed(env, "models", *words) for words in shown), _timed(env, "open", "--no-browser"))
    rows = [
        (f"`trainshed models {words[0]}`, {ENTRIES:,} entries", spread(found), "≤ 1 s") for words, found in zip(shown, times, strict=False)
    ]
    rows[-1] = (*rows[-1][:2], "")  # it reads every entry and every byte of the champion
    rows.append((f"`trainshed open`, {ENTRIES:,} entries", spread(times[-1]), "≤ 1 s"))
    rows.append(("a promotion: people answered → ledger and aliases", spread(_promotions(made, settings)), "≤ 2 s beyond verifying bytes"))
    (back,) = interleaved(_rollbacks(env))
    return [*rows, ("`trainshed models rollback --to`, back and forward", spread(back), "≤ 2 s beyond verifying bytes")]


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


def _rollbacks(env: dict[str, str]) -> Callable[[], float]:
    """A rollback to version 1 and to version 2 in turn; both were champion, long ago."""
    count = 0

    def back() -> float:
        nonlocal count
        count += 1
        return _timed(env, "models", "rollback", NAME, "--to", str(1 + count % 2))()

    return back


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


def _timed(env: dict[str, str], *words: str) -> Callable[[], float]:
    """Seconds of one command as a whole process."""

    def run() -> float:
        began = time.perf_counter()
        done = subprocess.run(
            [str(Path(sys.executable).with_name("trainshed")), *words], env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"trainshed {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return time.perf_counter() - began

    return run
