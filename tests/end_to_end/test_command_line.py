"""The command line beside a line that has run: looking changes nothing, and a run shows its own decision."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import yaml
from botocore.httpsession import URLLib3Session

from pipeline import cli
from pipeline.artifacts.manifest import blob_key
from pipeline.registry.aliases import CHAMPION
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import LedgerEntry, Outcome
from pipeline.registry.versions import read_aliases, remove_alias
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from fixtures.line import Line

pytestmark = pytest.mark.timeout(600)  # a whole line runs first


@pytest.fixture
def line(make_line: Callable[..., Line]) -> Line:
    made = make_line()
    made.run()
    return made


@pytest.fixture
def recipe(line: Line, tmp_path: Path) -> str:
    path = tmp_path / f"{line.recipe.name}.yaml"
    path.write_text(yaml.safe_dump(line.recipe.model_dump(mode="json", exclude_unset=True)))
    return str(path)


def objects(line: Line) -> dict[str, str]:
    return {stat.key: stat.etag for stat in line.artifacts.store.list("")}


def damage(line: Line, stage: str) -> None:
    """Flip a bit of the largest file of a stage's artifact."""
    key = blob_key(max(line.manifest(stage).files, key=lambda entry: entry.size).sha256)
    data = bytearray(line.artifacts.store.get(key).data)
    data[len(data) // 2] ^= 1
    line.artifacts.store.put(key, bytes(data))


@pytest.fixture
def blobs_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """URL of each blob that was read; requests still go to the real server."""
    read: list[str] = []
    send = URLLib3Session.send

    def noted(self: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        if request.method == "GET" and "/blobs/" in request.url:
            read.append(request.url)
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", noted)
    return read


def test_a_run_shows_its_own_decision_and_looking_changes_nothing(
    line: Line, recipe: str, blobs_read: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    model, server = line.recipe.registration.model, MlflowServer(line.settings)
    ledger = Ledger(line.artifacts.store, model)
    promoted = ledger.head()
    other = promoted.challenger.model_copy(
        update={"version": 99, "model": promoted.challenger.model.model_copy(update={"digest": "0" * 64})}
    )
    ledger.append(
        LedgerEntry(
            number=2, decision=Outcome.REFUSED, challenger=other, against=1, reasons=("worse",), time=datetime.now(UTC), run="another-run"
        )
    )
    assert cli.run(["run", recipe, "--local"]) == 0
    shown = capsys.readouterr().out
    assert f"Decision: {model} version 1 is champion (ledger entry 1)." in shown
    assert f"This run decided nothing new; the decision is from {promoted.time:%Y-%m-%d %H:%M}: run {promoted.run}." in shown
    assert "99" not in shown.partition("Decision:")[2]

    # the inputs of a step that would run are read once, not by each plan
    for expected in (True, False):
        blobs_read.clear()
        assert cli.run(["plan", recipe, "--force", "tokenization"]) == 0
        assert bool(blobs_read) is expected
    capsys.readouterr()

    # a blob that a forced step reads is damaged, one of a hit is gone, a manifest is cut short, and the alias is wrong
    damage(line, "ingestion")
    line.artifacts.store.delete(blob_key(line.manifest("evaluation").files[-1].sha256))
    manifest = line.manifest("pretraining").key
    line.artifacts.store.put(manifest, line.artifacts.store.get(manifest).data[:-9])
    remove_alias(server, model, CHAMPION)
    before, aliases = objects(line), read_aliases(server, model)
    fingerprint = line.manifest("finetuning").fingerprint[:12]
    for words in (
        ["plan", recipe],
        ["plan", recipe, "--force", "tokenization", "--force", "registration"],
        ["artifacts", "ls"],
        ["artifacts", "ls", "pretraining"],
        ["artifacts", "show", "finetuning", fingerprint],
        ["artifacts", "explain", "finetuning", fingerprint],
        ["artifacts", "gc"],
        ["artifacts", "get", "ingestion", line.manifest("ingestion").fingerprint, recipe + "-files"],
    ):
        cli.run(words)
        printed = capsys.readouterr()
        assert {key for key, etag in objects(line).items() ^ before.items()} == set(), (words, printed)
        assert read_aliases(server, model) == aliases, (words, printed)
    assert cli.run(["plan", recipe]) == 0
    rows = {row.split()[0]: row.split()[1:3] for row in capsys.readouterr().out.splitlines()[1:]}
    assert rows["ingestion"] == ["to", "run"]
