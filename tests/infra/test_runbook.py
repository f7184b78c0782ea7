"""The runbook: its commands, paths and variables exist, and its backups can be restored."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from pipeline import cli
from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.erasure.tombstones import Tombstone, append_tombstone, read_tombstones
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.settings import Settings, known_variables

HOME = Path(__file__).parents[2]
TEXT = (HOME / "docs" / "runbook.md").read_text()
CODE = "\n".join(
    re.findall(r"```\n(.*?)```", TEXT, re.DOTALL) + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))
)


def test_every_command_of_ours_exists() -> None:
    named = set(re.findall(r"(?<![/\w])trainshed ((?:artifacts |models )?[a-z]+)", CODE))
    assert {"up", "down", "doctor", "plan", "models rollback", "models verify", "artifacts verify", "artifacts gc"} <= named
    for command in named:
        assert cli.run([*command.split(), "--help"]) == 0, command


def test_every_path_target_variable_and_service_exists() -> None:
    for path in set(re.findall(r"\b((?:infra|docs|pipeline)/[\w./-]*[\w])", CODE)):
        made = path.startswith("infra/compose/secrets/") or path in {"infra/compose/secrets", "infra/compose/.env"}
        assert made or (HOME / path).exists(), path
    makefile = (HOME / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", CODE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for variable in set(re.findall(r"\bTRAINSHED_[A-Z0-9_]+", CODE)):
        assert variable in known_variables(), variable
    services = yaml.safe_load((HOME / "infra/compose/compose.yaml").read_text())["services"]
    named = set(re.findall(r"(?:run --rm|exec -T|stop|start) ([a-z0-9-]+)", CODE))
    assert {"postgres", "mlflow"} <= named
    assert named <= set(services)


def test_every_secret_it_names_is_generated(tmp_path) -> None:
    subprocess.run([HOME / "infra/compose/secrets.sh", tmp_path / "drawn"], capture_output=True, check=True)
    drawn = {path.name for path in (tmp_path / "drawn").iterdir()}
    named = set(re.findall(r"`(?:infra/compose/secrets/)?((?:s3|mlflow|airflow)-[a-z-]*(?:key|password|passwords\.json))`", TEXT))
    assert {"s3-access-key", "s3-secret-key", "mlflow-password", "airflow-passwords.json"} <= named
    assert named <= drawn


def backup(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, HOME / "infra" / "backup" / f"{script}.py", *map(str, arguments)]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TRAINSHED_", "AWS_"))}
    return subprocess.run(command, env={**own, "PYTHONPATH": str(HOME), **environment}, capture_output=True, text=True, check=False)


def entry(number: int, digest: str, decision: Outcome = Outcome.PROMOTED) -> LedgerEntry:
    model = Reference(type="model", stage="finetuning", fingerprint=f"made-{digest}", digest=digest)
    contender = Candidate(version=number, model=model)
    return LedgerEntry(number=number, decision=decision, challenger=contender, time=datetime(2026, 1, 1, tzinfo=UTC), run="r")


@pytest.fixture
def places(tmp_path):
    """A store with a ledger of two models, an empty one, and how a command finds them."""
    stores = [Settings(store=f"file://{tmp_path}/{name}", state=tmp_path / "state") for name in ("old", "new")]
    fill(stores[0])
    return stores, [{"TRAINSHED_STORE": one.store, "TRAINSHED_STATE": str(one.state)} for one in stores]


def fill(settings: Settings) -> None:
    for model in ("names", "sums"):
        ledger = Ledger(open_store(settings), model)
        for number in (1, 2, 3):
            ledger.append(entry(number, f"{model}-{number}"))


def test_a_ledger_moves_from_one_bucket_to_another(s3_server, tmp_path) -> None:
    stores = [s3_server.settings(tmp_path) for _ in range(2)]
    fill(stores[0])
    keys = {"AWS_ACCESS_KEY_ID": s3_server.access_key, "AWS_SECRET_ACCESS_KEY": s3_server.secret_key}
    for word, settings in zip(("save", "restore"), stores, strict=True):
        where = {"TRAINSHED_STORE": settings.store, "TRAINSHED_S3_ENDPOINT": s3_server.endpoint, "TRAINSHED_STATE": str(settings.state)}
        done = backup("ledger", word, tmp_path / "b", **where, **keys)
        assert (done.returncode, done.stdout) == (0, f"{word}d 6 entries\n"), done.stderr
    before, after = ({stat.key: open_store(one).get(stat.key).data for stat in open_store(one).list("")} for one in stores)
    assert before == after


def test_a_ledger_comes_back_byte_for_byte_and_restoring_twice_is_harmless(places, tmp_path) -> None:
    (old, new), (there, here) = places
    assert backup("ledger", "save", tmp_path / "b", **there).stdout == "saved 6 entries\n"
    assert backup("ledger", "save", tmp_path / "b", **there).stdout == "saved 0 entries\n"
    for _ in range(2):
        done = backup("ledger", "restore", tmp_path / "b", **here)
        assert (done.returncode, done.stdout) == (0, "restored 6 entries\n"), done.stderr
    before, after = open_store(old), open_store(new)
    keys = [stat.key for stat in before.list("")]
    assert [stat.key for stat in after.list("")] == keys
    assert all(after.get(key).data == before.get(key).data for key in keys)
    assert Ledger(after, "sums").champion() == Ledger(before, "sums").champion()
    # what was written since stays, and the next decision takes the next number
    Ledger(after, "sums").append(entry(4, "later"))
    assert backup("ledger", "restore", tmp_path / "b", **here).returncode == 0
    assert Ledger(after, "sums").champion().digest == "later"


def test_a_ledger_with_other_entries_is_not_overwritten(places, tmp_path) -> None:
    (_, new), (there, here) = places
    backup("ledger", "save", tmp_path / "b", **there)
    Ledger(open_store(new), "names").append(entry(1, "another"))
    done = backup("ledger", "restore", tmp_path / "b", **here)
    assert done.returncode == 2
    assert "has another entry at ledger/names/000001.json" in done.stderr
    assert Ledger(open_store(new), "names").champion().digest == "another"


def test_a_damaged_entry_is_replaced_and_never_saved(places, tmp_path) -> None:
    (old, _), (there, _) = places
    store = open_store(old)
    assert backup("ledger", "save", tmp_path / "b", **there).returncode == 0
    before = Ledger(store, "names").champion()
    whole = store.get("ledger/names/000001.json").data
    store.put("ledger/names/000001.json", whole.replace(b"made-", b"mbde-"))
    done = backup("ledger", "save", tmp_path / "another", **there)
    assert (done.returncode, len(done.stderr.splitlines())) == (75, 1)
    assert "ledger/names/000001.json is damaged" in done.stderr
    assert backup("ledger", "restore", tmp_path / "b", **there).returncode == 0
    assert store.get("ledger/names/000001.json").data == whole
    assert Ledger(store, "names").champion() == before


@pytest.mark.parametrize(("harm", "told"), [("", "is not a ledger entry"), (None, "no entries below")])
def test_a_damaged_or_empty_backup_is_refused_in_one_line(places, tmp_path, harm, told) -> None:
    (_, new), (there, here) = places
    backup("ledger", "save", tmp_path / "b", **there)
    for path in sorted((tmp_path / "b").glob("ledger/*/*.json")):
        path.write_text(harm) if harm is not None else path.unlink()
    done = backup("ledger", "restore", tmp_path / "b", **here)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert told in done.stderr
    assert list(open_store(new).list("")) == []


def test_a_database_in_use_is_copied_as_it_was_at_one_moment(tmp_path) -> None:
    source, target = tmp_path / "mlflow.db", tmp_path / "backup.db"
    writer = sqlite3.connect(source, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE runs (id INTEGER)")
    writer.execute("INSERT INTO runs VALUES (1)")
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO runs VALUES (2)")
    # the file alone holds nothing yet: everything is in the log beside it
    done = backup("sqlite", source, target)
    writer.execute("COMMIT")
    assert (done.returncode, done.stdout) == (0, f"copied to {target}\n"), done.stderr
    assert sqlite3.connect(target).execute("SELECT id FROM runs").fetchall() == [(1,)]
    assert target.stat().st_mode & 0o077 == 0
    again = backup("sqlite", source, target)
    assert (again.returncode, "exists" in again.stderr) == (2, True)
    (tmp_path / "torn.db").write_bytes(b"no database" * 1000)
    torn = backup("sqlite", tmp_path / "torn.db", tmp_path / "copy.db")
    assert (torn.returncode, len(torn.stderr.splitlines())) == (2, 1)
    assert not (tmp_path / "copy.db").exists()


def test_what_is_to_be_forgotten_is_saved_with_the_ledger(places, tmp_path) -> None:
    (old, new), (there, here) = places
    tombstone = Tombstone(number=1, time=datetime(2026, 1, 1, tzinfo=UTC), person="ada", ids=("a" * 24,))
    append_tombstone(open_store(old), tombstone)
    assert backup("ledger", "save", tmp_path / "b", **there).stdout == "saved 7 entries\n"
    assert backup("ledger", "restore", tmp_path / "b", **here).stdout == "restored 7 entries\n"
    assert read_tombstones(open_store(new)) == [tombstone]
