"""`trainshed rollback`, and the errors of `trainshed reproduce`, with a real MLflow server and a ledger."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from pipeline import cli
from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.register_version import register_version
from pipeline.registry.versions import read_aliases
from pipeline.settings import Settings
from pipeline.tracking import MlflowServer
from pipeline.tracking.runs import step_run


@pytest.fixture(scope="module")
def settings(mlflow_server, tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("command-line")
    return Settings(state=folder / "state", store=f"file://{folder}/store", mlflow_uri=mlflow_server.uri)


@pytest.fixture(scope="module")
def ledger(settings, tmp_path_factory) -> Ledger:
    """The ledger of a model whose versions 1 and 2 were promoted."""
    server, ledger = MlflowServer(settings), Ledger(open_store(settings), f"summarizer-{uuid.uuid4().hex[:8]}")
    package = tmp_path_factory.mktemp("package")
    (package / "MLmodel").write_text("flavors: {}\n")
    run = step_run(settings, "command-line", ledger.model, "registration")
    for number, digest in enumerate(("a", "b"), 1):
        model = Reference(type="model", stage="finetuning", fingerprint=f"made-{digest}", digest=digest)
        tags = {"trainshed.model.stage": model.stage, "trainshed.model.fingerprint": model.fingerprint}
        register_version(server, run, ledger.model, model, "code-1", tags, lambda: package)
        contender, time = Candidate(version=number, model=model), datetime.now(UTC)
        against = number - 1 or None
        ledger.append(LedgerEntry(number=number, decision=Outcome.PROMOTED, challenger=contender, against=against, time=time, run="r"))
    return ledger


@pytest.fixture(autouse=True)
def _environment(settings, monkeypatch) -> None:
    """Where the command line finds them."""
    for name in ("state", "store", "mlflow_uri"):
        monkeypatch.setenv(f"TRAINSHED_{name.upper()}", str(getattr(settings, name)))


def test_rollback_puts_the_champion_before_in_service(ledger, settings, capsys):
    assert cli.run(["rollback", ledger.model, "--reason", "too slow"]) == 0
    assert capsys.readouterr().out == f"{ledger.model} version 1 is champion again in the place of version 2 (ledger entry 3)\n"
    assert ledger.champion().reasons == ("too slow",)
    assert ledger.champion().run.startswith("by ")
    assert read_aliases(MlflowServer(settings), ledger.model)["champion"] == 1
    assert cli.run(["rollback", ledger.model, "--to", "1"]) == 0
    assert capsys.readouterr().out == f"{ledger.model} version 1 is champion already (ledger entry 3); nothing changed\n"
    assert cli.run(["rollback", ledger.model]) == 2
    assert "was rolled back already, and nothing changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rollback", "{near}"], "did you mean '{model}'?"),
        (["rollback", "{model}", "--to", "9"], "version 9 of {model} never was champion; expected one of: "),
        (["reproduce", "{near}/1"], "did you mean '{model}'?"),
        (["reproduce", "{near}@champion"], "did you mean '{model}'?"),
        (["reproduce", "{model}/3"], "unknown version of {model} '3'; expected one of: 1, 2;"),
        (["reproduce", "{model}@chmpion"], "unknown alias of {model} 'chmpion'; expected one "),
        (["reproduce", "{model}"], "expected MODEL/VERSION or MODEL@ALIAS"),
        (["reproduce", "{model}/1"], "finetuning made-a is not in the store"),
    ],
)
def test_a_wrong_name_is_one_line_with_the_near_one(ledger, capsys, words, told):
    names = {"model": ledger.model, "near": ledger.model.replace("summarizer", "sumarizer")}
    assert cli.run([word.format(**names) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told.format(**names) in err
    assert err.count("\n") == 1
