"""`trainshed models`, with a real MLflow server, a ledger, and artifacts of a few bytes."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest
from fixtures.artifacts import flip
from fixtures.registered import Registered, commit_model, commit_report

from pipeline import cli
from pipeline.artifacts import open_artifacts
from pipeline.registry.aliases import sync_aliases
from pipeline.registry.answers import record_answer
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.versions import read_aliases, set_alias
from pipeline.settings import Settings
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {"a": (10.0, 20.0, 30.0, 40.0), "b": (30.0, 41.0, 52.0, 63.0), "c": (1.0, 2.0, 3.0, 4.0)}


def make_registered(folder: Path, mlflow_uri: str) -> Registered:
    """A model whose versions 1 and 2 were promoted, and whose version 3 was refused."""
    settings = Settings(state=folder / "state", store=f"file://{folder}/store", mlflow_uri=mlflow_uri)
    artifacts = open_artifacts(settings)
    made = Registered(settings, artifacts, Ledger(artifacts.store, f"summarizer-{uuid.uuid4().hex[:8]}"))
    for name, decision in (("a", Outcome.PROMOTED), ("b", Outcome.PROMOTED), ("c", Outcome.REFUSED)):
        report = commit_report(artifacts, commit_model(artifacts, name), VALUES[name])
        made.decide(made.register(name, report), decision, sum(VALUES[name]) / 4)
    sync_aliases(MlflowServer(settings), made.ledger)
    return made


def use(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line find them."""
    for name in ("state", "store", "mlflow_uri"):
        monkeypatch.setenv(f"TRAINSHED_{name.upper()}", str(getattr(settings, name)))


@pytest.fixture
def registered(mlflow_server, tmp_path, monkeypatch) -> Registered:
    """One for a test that changes it."""
    made = make_registered(tmp_path, mlflow_server.uri)
    use(made.settings, monkeypatch)
    return made


@pytest.fixture(scope="module")
def shared(mlflow_server, tmp_path_factory) -> Registered:
    """One for tests that only read."""
    return make_registered(tmp_path_factory.mktemp("shared"), mlflow_server.uri)


@pytest.fixture
def untouched(shared, monkeypatch) -> Registered:
    """The shared one, which the command line finds."""
    use(shared.settings, monkeypatch)
    return shared


@pytest.fixture
def say(capsys):
    """Run a command that has to succeed; the lines that it prints."""

    def run(*words: str) -> list[str]:
        capsys.readouterr()
        assert cli.run(["models", *words]) == 0, capsys.readouterr().err
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def refuse(capsys):
    """Run a command that has to fail with exit code 2; what it printed, and its one line of error."""

    def run(*words: str) -> tuple[list[str], str]:
        capsys.readouterr()
        assert cli.run(["models", *words]) == 2
        out, err = capsys.readouterr()
        assert err.count("\n") == 1
        return out.splitlines(), err

    return run


def words(line: str) -> str:
    """A row of a table without its padding."""
    return re.sub(r" {2,}", " | ", line.strip())


def test_the_list_has_a_line_for_each_model(untouched, say):
    found = [words(line) for line in say("list")]
    assert found[0] == "model | champion | since | quality | newest decision | waits for people"
    assert found[1] == f"{untouched.ledger.model} | version 2 | 2026-01-03 00:00 | 46.50 rougeL | refused 2026-01-04 00:00"


def test_a_store_without_ledgers_is_not_an_error(mlflow_server, tmp_path, monkeypatch, say):
    monkeypatch.setenv("TRAINSHED_STORE", f"file://{tmp_path}/nothing")
    assert say("list") == [f"no model was decided about yet in file://{tmp_path}/nothing; `trainshed run RECIPE` trains one"]
    assert say("verify") == [f"no model was decided about yet in file://{tmp_path}/nothing"]


def test_one_model_shows_champion_and_ledger(untouched, say):
    name = untouched.ledger.model
    lines = [words(line) for line in say("show", name)]
    assert re.match(rf"{name} version 2 is champion since 2026-01-03 00:00 UTC \(\d+ days\), ledger entry 2", lines[0])
    assert lines[1] == "quality: 46.50 rougeL on the test set of its promotion"
    assert lines[2] == "trained: 2026-01-01 00:00 UTC by r"
    assert lines[3].startswith("entry | time | decision | version | quality | who | why | evidence")
    report = untouched.ledger.entry(2).challenger.report.fingerprint[:12]
    assert lines[5] == (
        "2 | 2026-01-03 00:00 | promoted (champion) | 2 | 46.50 rougeL | small-20260102-000000-abcd | "
        f"every rule of the gate is met | {report}"
    )
    assert say("show", name, "--last", "1")[-1] == "2 earlier entries; --last 3 shows all"


def test_a_waiting_proposal_shows_who_answered_and_who_may(registered, say):
    proposal = registered.propose(registered.register("d"), 60.0, people=2, approvers=("ann", "ben", "cid"))
    record_answer(registered.ledger, proposal, "ben", "r", approve=True, reason="fine")
    lines = say("show", registered.ledger.model)
    assert lines[3] == "version 4 waits for 2 approvals (proposal 4), until 2026-01-19 00:00 UTC"
    assert re.fullmatch(r"  ben approved it on [-0-9: ]+: fine", lines[4])
    assert lines[5] == "  may answer: ann, cid"
    assert words(say("list")[1]).endswith("| version 4: 1 of 2")


def test_history_draws_a_table_and_a_page(untouched, say):
    name = untouched.ledger.model
    lines = [words(line) for line in say("history", name, "--page")]
    assert lines[1] == "1 | 2026-01-02 00:00 | 1 | promoted | 25.00 rougeL | 24.00 | " + "▇" * 13
    assert lines[2].endswith("▇" * 24)
    assert len(lines) == 5
    page = untouched.artifacts.store.get(f"pages/history-{name}.html").data.decode()
    assert page.count("<svg") == 1
    assert "46.50" in page
    assert str(untouched.settings.state.resolve()) in lines[4]


def test_two_versions_are_compared_on_one_test_set(untouched, say):
    lines = [words(line) for line in say("compare", untouched.ledger.model, "1", "champion")]
    assert lines[0] == "metric | version 1 | champion | difference | 95% interval | champion is"
    assert lines[1] == "rougeL | 25.00 | 46.50 | +21.50 | +19.45 to +23.55 | better"
    assert lines[2].startswith("4 test examples in 4 groups of corpus ")
    assert words(say("compare", untouched.ledger.model, "2", "1")[1]).endswith("-21.50 | -23.55 to -19.45 | worse")


def test_rollback_and_forward(registered, say, refuse):
    name = registered.ledger.model
    assert say("rollback", name, "--reason", "too slow") == [
        f"{name} version 1 is champion again in the place of version 2 (ledger entry 4)"
    ]
    assert registered.ledger.champion().reasons == ("too slow",)
    assert registered.ledger.champion().run.startswith("by ")
    assert read_aliases(MlflowServer(registered.settings), name)["champion"] == 1
    assert say("rollback", name, "--to", "1") == [f"{name} version 1 is champion already (ledger entry 4); nothing changed"]
    assert "was rolled back already, and nothing changed" in refuse("rollback", name)[1]
    assert say("rollback", name, "--to", "2") == [f"{name} version 2 is champion again in the place of version 1 (ledger entry 5)"]
    assert say("verify", name) == [f"{name}: ledger, aliases, versions and the champion's bytes are in order"]


def test_a_rollback_to_damaged_bytes_changes_nothing(registered, refuse):
    flip(registered.artifacts, registered.artifacts.resolve(commit_model(registered.artifacts, "a")))
    out, told = refuse("rollback", registered.ledger.model)
    assert out == []
    assert f"the model of {registered.ledger.model} version 1 is damaged: weights" in told
    assert "the champion stays; expected bytes with the digests of the manifest; fix: restore them from a backup" in told
    assert registered.ledger.head().number == 3
    assert read_aliases(MlflowServer(registered.settings), registered.ledger.model)["champion"] == 2


def test_an_alias_moved_by_hand_is_found_and_put_back(registered, say, refuse):
    name, server = registered.ledger.model, MlflowServer(registered.settings)
    set_alias(server, name, "champion", 1)
    out, told = refuse("verify", name)
    back, adopt = f"`trainshed models verify {name} --repair` puts it back", f"`trainshed models rollback {name} --to 1` makes"
    found = f"{name}: alias champion of {name} points to version 1 in MLflow, but the ledger says version 2"
    assert out == [f"{found}; {back}, {adopt} version 1 champion"]
    assert f"something is wrong with {name}" in told
    set_alias(server, name, "champion", 3)
    assert refuse("verify", name)[0][0].endswith("puts it back; version 3 never was champion, so it cannot be adopted")
    assert "version 3 of" in refuse("rollback", name, "--to", "3")[1]
    assert refuse("verify", name, "--repair")[0][0].endswith("it was put back")
    assert read_aliases(server, name)["champion"] == 2
    assert say("verify", name) == [f"{name}: ledger, aliases, versions and the champion's bytes are in order"]


def test_verify_finds_what_is_wrong_with_the_ledger(registered, refuse):
    store, ledger = registered.artifacts.store, registered.ledger
    good = store.get(ledger.key(2)).data
    store.put(ledger.key(2), good.replace(b'"against": 1', b'"against": 3'))
    assert "ledger/" in refuse("verify", ledger.model)[0][0]
    assert "000002.json is damaged" in refuse("verify", ledger.model)[0][0]
    store.put(ledger.key(2), ledger.entry(3).model_copy(update={"number": 2, "against": None}).to_bytes())
    assert refuse("verify", ledger.model)[0][0] == (
        f"{ledger.model}: entry 2 was decided against entry None, but the champion then was that of entry 1"
    )
    store.delete(ledger.key(2))
    assert refuse("verify", ledger.model)[0] == [f"{ledger.model}: entry 2 of the ledger of {ledger.model} is missing: {ledger.key(2)}"]


def test_verify_finds_damaged_bytes_of_the_champion_and_a_promotion_without_approvals(registered, refuse):
    ledger, artifacts = registered.ledger, registered.artifacts
    proposal = registered.propose(registered.register("d"), 60.0)
    registered.decide(proposal.challenger, Outcome.PROMOTED, 60.0, about=4, approved_by=("ann",))
    flip(artifacts, artifacts.resolve(proposal.challenger.model))
    found = refuse("verify", ledger.model, "--repair")[0]
    assert f"{ledger.model}: entry 5 promoted proposal 4 with 0 of 1 approvals" in found
    assert any(line.startswith(f"{ledger.model}: the model of {ledger.model} version 4 is damaged: weights") for line in found)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["show", "{near}"], "unknown model '{near}'; expected one of: "),
        (["history", "{near}"], "did you mean '{model}'?"),
        (["compare", "{near}", "1", "2"], "did you mean '{model}'?"),
        (["promote", "{near}"], "did you mean '{model}'?"),
        (["verify", "{near}"], "did you mean '{model}'?"),
        (["rollback", "{near}"], "did you mean '{model}'?"),
        (["rollback", "{model}", "--to", "9"], "{model} has no version 9; expected one of: 1; fix: choose another version with --to"),
        (["rollback", "{model}", "--to", "3"], "version 3 of {model} never was champion: it has not passed the gate; expected one of: 1;"),
        (["promote", "{model}"], "no version of {model} waits for approvals; the newest decision is refused (ledger entry 3)"),
        (["compare", "{model}", "1", "9"], "unknown version of {model} '9'; expected one of: 1, 2, 3;"),
        (["compare", "{model}", "1", "1"], "{model}/1 and {model}/1 are the same model"),
        (["show", "pydocs"], "the ledger of pydocs is empty: no run has decided about a version; fix: run `trainshed run pydocs`"),
        (["reproduce", "{near}/1"], "did you mean '{model}'?"),
        (["reproduce", "{near}@champion"], "did you mean '{model}'?"),
        (["reproduce", "{model}/4"], "unknown version of {model} '4'; expected one of: 1, 2, 3;"),
        (["reproduce", "{model}@chmpion"], "unknown alias of {model} 'chmpion'; expected one "),
        (["reproduce", "{model}"], "expected MODEL/VERSION or MODEL@ALIAS"),
    ],
)
def test_a_wrong_name_is_one_line_with_the_near_one(untouched, refuse, typed, told):
    names = {"model": untouched.ledger.model, "near": untouched.ledger.model.replace("summarizer", "sumarizer")}
    out, err = refuse(*(word.format(**names) for word in typed))
    assert out == []
    assert told.format(**names) in err
