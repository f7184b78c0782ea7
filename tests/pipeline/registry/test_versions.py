"""Versions, aliases, the registration check of planning, and rollback, against a real MLflow server."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from fixtures.artifacts import flip
from fixtures.registered import commit_model

from pipeline.artifacts import open_artifacts
from pipeline.errors import BadInput, Unavailable
from pipeline.registry.aliases import sync_aliases
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.promotion import basis_of
from pipeline.registry.register_version import register_version
from pipeline.registry.registration_status import Registered, check_registration
from pipeline.registry.rollback import roll_back
from pipeline.registry.versions import find_version, read_aliases, remove_alias, set_alias
from pipeline.settings import Settings
from pipeline.tracking import MlflowServer
from pipeline.tracking.runs import step_run

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Reference

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Registry:
    """One registered model, with short ways to make versions and entries."""

    server: MlflowServer
    ledger: Ledger
    settings: Settings
    tmp: Path
    artifacts: Artifacts
    packaged: int = 0

    def model(self, name: str) -> Reference:
        return commit_model(self.artifacts, name)

    @property
    def name(self) -> str:
        return self.ledger.model

    def register(self, digest: str, serving: str = "code-1") -> int:
        run = step_run(self.settings, "registry-tests", self.name, digest)
        return register_version(self.server, run, self.name, self.model(digest), serving, {"trainshed.run": "r"}, self._package).number

    def _package(self) -> Path:
        self.packaged += 1
        (self.tmp / "data").mkdir(exist_ok=True)
        (self.tmp / "data" / "weights").write_bytes(b"1")
        (self.tmp / "MLmodel").write_text("flavors: {}\n")
        return self.tmp

    def decide(self, digest: str, decision: Outcome) -> LedgerEntry:
        head = self.ledger.head()
        champion = self.ledger.champion(head)
        return self.ledger.append(
            LedgerEntry(
                number=head.number + 1 if head else 1,
                decision=decision,
                challenger=Candidate(version=1, model=self.model(digest)),
                against=champion.number if champion else None,
                basis=basis_of(f"registration of {digest}", None, champion),
                time=NOW,
                run="r",
            )
        )

    def sync(self):
        return sync_aliases(self.server, self.ledger).versions

    def status(self, digest: str, *, repair: bool = True):
        wanted = Registered(self.name, self.model(digest), f"registration of {digest}", None)
        return check_registration(self.server, self.ledger.store, wanted, repair=repair)


@pytest.fixture
def registry(mlflow_server, tmp_path) -> Registry:
    settings = Settings(store=f"file://{tmp_path}/store", state=tmp_path / "state", mlflow_uri=mlflow_server.uri, mlflow_retry_s=5)
    package = tmp_path / "package"
    package.mkdir()
    artifacts = open_artifacts(settings)
    return Registry(MlflowServer(settings), Ledger(artifacts.store, f"m-{uuid.uuid4().hex}"), settings, package, artifacts)


def test_a_version_is_made_once_for_a_digest(registry: Registry) -> None:
    assert [registry.register("a"), registry.register("b"), registry.register("a")] == [1, 2, 1]
    assert registry.packaged == 2
    found = find_version(registry.server, registry.name, registry.model("b").digest)
    assert found.status == "READY"
    assert found.tags["trainshed.run"] == "r"
    assert find_version(registry.server, registry.name, "c") is None


def test_changed_answering_code_makes_a_new_version_of_the_same_model_and_the_aliases_follow(registry: Registry) -> None:
    registry.register("a")
    registry.decide("a", Outcome.PROMOTED)
    assert registry.register("a", serving="code-2") == 2
    assert registry.register("a", serving="code-2") == 2
    assert registry.status("a").current
    assert read_aliases(registry.server, registry.name) == {"champion": 2, "challenger": 2}


def test_a_create_whose_answer_was_lost_is_found_by_the_next_attempt(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    real = registry.server.call

    def lose(method: str, path: str, *arguments: object, **options: object):
        answer = real(method, path, *arguments, **options)
        if path == "model-versions/create":
            raise Unavailable("the answer was lost")
        return answer

    monkeypatch.setattr(registry.server, "call", lose)
    with pytest.raises(Unavailable):
        registry.register("a")
    monkeypatch.setattr(registry.server, "call", real)
    assert registry.register("a") == 1
    versions = registry.server.call("GET", "model-versions/search", {"filter": f"name='{registry.name}'"})["model_versions"]
    assert len(versions) == 1


def test_aliases_follow_the_ledger_whatever_was_there(registry: Registry) -> None:
    for digest in ("a", "b"):
        registry.register(digest)
    registry.decide("a", Outcome.PROMOTED)
    registry.decide("b", Outcome.REFUSED)
    set_alias(registry.server, registry.name, "champion", 2)
    versions = {registry.model("a").digest: 1, registry.model("b").digest: 2}
    assert {digest: version.number for digest, version in registry.sync().items()} == versions
    assert read_aliases(registry.server, registry.name) == {"champion": 1, "challenger": 2}


def test_a_champion_nobody_decided_on_loses_the_alias(registry: Registry) -> None:
    registry.register("a")
    set_alias(registry.server, registry.name, "champion", 1)
    registry.decide("a", Outcome.REFUSED)
    registry.sync()
    assert read_aliases(registry.server, registry.name) == {"challenger": 1}


def test_a_registration_is_current_once_registered_and_decided(registry: Registry) -> None:
    assert not registry.status("a").current
    registry.register("a")
    assert "no decision" in registry.status("a").reason
    registry.decide("a", Outcome.PROMOTED)
    assert registry.status("a").current
    registry.register("b")
    assert not registry.status("b").current
    registry.decide("b", Outcome.REFUSED)
    assert registry.status("b").current
    assert registry.status("a").current


def test_the_check_repairs_the_aliases(registry: Registry) -> None:
    registry.register("a")
    registry.decide("a", Outcome.PROMOTED)
    assert registry.status("a").current
    remove_alias(registry.server, registry.name, "champion")
    assert registry.status("a").warnings == (
        f"alias champion of {registry.name} is missing in MLflow, but the ledger says version 1; it was put back",
    )
    assert registry.status("a") == (True, "", ())
    assert read_aliases(registry.server, registry.name)["champion"] == 1


def test_a_check_that_may_not_repair_changes_nothing(registry: Registry) -> None:
    registry.register("a")
    registry.register("b")
    registry.decide("a", Outcome.PROMOTED)
    set_alias(registry.server, registry.name, "champion", 2)
    checked = registry.status("a", repair=False)
    assert checked.current
    assert checked.warnings[0] == (
        f"alias champion of {registry.name} points to version 2 in MLflow, but the ledger says version 1; the next run puts it back"
    )
    assert read_aliases(registry.server, registry.name) == {"champion": 2}


def test_a_rollback_while_aliases_are_set_is_not_undone(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for digest in ("a", "b"):
        registry.register(digest)
        registry.decide(digest, Outcome.PROMOTED)
    real, rolled_back = registry.server.call, []

    def late(method: str, path: str, *arguments: object, **options: object):
        if path == "registered-models/alias" and not rolled_back:
            rolled_back.append(True)
            roll_back(MlflowServer(registry.settings), registry.artifacts, registry.name, "by hand")
        return real(method, path, *arguments, **options)

    monkeypatch.setattr(registry.server, "call", late)
    registry.sync()
    assert rolled_back
    assert registry.ledger.champion().digest == registry.model("a").digest
    assert read_aliases(registry.server, registry.name)["champion"] == 1


def test_a_refusal_no_longer_counts_after_another_champion(registry: Registry) -> None:
    for digest in ("a", "b", "c"):
        registry.register(digest)
    registry.decide("a", Outcome.PROMOTED)
    registry.decide("b", Outcome.REFUSED)
    registry.decide("c", Outcome.PROMOTED)
    assert not registry.status("b").current


def test_after_mlflow_was_wiped_the_model_has_to_be_registered_again(registry: Registry) -> None:
    registry.decide("old", Outcome.REFUSED)
    registry.decide("a", Outcome.PROMOTED)
    registry.decide("old", Outcome.REFUSED)
    assert "MLflow has no version" in registry.status("a").reason
    registry.register("b")
    registry.register("a")
    assert registry.status("a").current
    assert read_aliases(registry.server, registry.name) == {"champion": 2}


def test_a_champion_that_mlflow_lost_makes_a_refused_model_register_again(registry: Registry) -> None:
    registry.decide("a", Outcome.PROMOTED)
    registry.decide("b", Outcome.REFUSED)
    registry.register("b")
    assert "with the champion" in registry.status("b").reason


def promoted(registry: Registry, *digests: str) -> None:
    """Register and promote models, one after another."""
    for digest in digests:
        registry.register(digest)
        registry.decide(digest, Outcome.PROMOTED)


def test_rolling_back_goes_to_the_champion_before(registry: Registry) -> None:
    promoted(registry, "a", "b")
    entry, replaced = roll_back(registry.server, registry.artifacts, registry.name, "by hand")
    assert (entry.decision, entry.digest, entry.against) == (Outcome.ROLLED_BACK, registry.model("a").digest, 2)
    assert replaced.digest == registry.model("b").digest
    assert registry.ledger.champion() == entry
    assert read_aliases(registry.server, registry.name)["champion"] == 1


def test_the_first_champion_cannot_be_rolled_back(registry: Registry) -> None:
    promoted(registry, "a")
    with pytest.raises(BadInput, match="no champion before"):
        roll_back(registry.server, registry.artifacts, registry.name, "by hand")


def test_the_same_rollback_again_changes_nothing_and_names_the_command_that_goes_further(registry: Registry) -> None:
    promoted(registry, "a", "b", "c")
    roll_back(registry.server, registry.artifacts, registry.name, "by alice")
    set_alias(registry.server, registry.name, "champion", 3)
    with pytest.raises(
        BadInput,
        match=rf"was rolled back already, and nothing changed: version 1 is champion since .* UTC \(by alice, ledger entry 4\); "
        rf"fix: to go further back, run `trainshed models rollback {registry.name} --to 1`",
    ):
        roll_back(registry.server, registry.artifacts, registry.name, "by bob")
    # the command that was killed before it set the alias is finished
    assert read_aliases(registry.server, registry.name)["champion"] == 2
    assert roll_back(registry.server, registry.artifacts, registry.name, "by bob", to_version=1).entry.number == 5
    with pytest.raises(BadInput, match="fix: none was champion before version 1"):
        roll_back(registry.server, registry.artifacts, registry.name, "by bob")
    assert registry.ledger.head().number == 5


def test_a_repeated_rollback_names_todays_version_or_none(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger says version 1 of every model: MLflow was wiped since, and its numbers are others."""
    promoted(registry, "c", "a", "b")
    assert roll_back(registry.server, registry.artifacts, registry.name, "by hand", to_version=2).entry.digest == registry.model("a").digest
    registry.decide("b", Outcome.PROMOTED)
    registry.decide("c", Outcome.PROMOTED)
    roll_back(registry.server, registry.artifacts, registry.name, "by hand")
    with pytest.raises(BadInput, match=r"--to 2`"):
        roll_back(registry.server, registry.artifacts, registry.name, "by hand")

    def away(*_: object, **__: object):
        raise Unavailable("MLflow is unreachable")

    monkeypatch.setattr(registry.server, "call", away)
    with pytest.raises(BadInput, match=r"--to VERSION`"):
        roll_back(registry.server, registry.artifacts, registry.name, "by hand")


def test_after_a_new_promotion_the_rollback_needs_no_version(registry: Registry) -> None:
    promoted(registry, "a", "b")
    roll_back(registry.server, registry.artifacts, registry.name, "by hand")
    promoted(registry, "c")
    assert roll_back(registry.server, registry.artifacts, registry.name, "by hand").entry.digest == registry.model("a").digest


def test_rolling_back_to_a_version_that_served_once(registry: Registry) -> None:
    promoted(registry, "a", "b", "c")
    registry.register("never")
    done = roll_back(registry.server, registry.artifacts, registry.name, "by hand", to_version=1, reason="slow")
    assert done.entry.reasons == ("slow",)
    assert read_aliases(registry.server, registry.name)["champion"] == 1
    assert roll_back(registry.server, registry.artifacts, registry.name, "by hand", to_version=1) == (done.entry, None)
    for version, told in ((4, "version 4 of .* never was champion: it has not passed the gate"), (99, "has no version 99")):
        with pytest.raises(BadInput, match=f"{told}; expected one of: 2, 3;"):
            roll_back(registry.server, registry.artifacts, registry.name, "by hand", to_version=version)


def test_rolling_forward_again(registry: Registry) -> None:
    promoted(registry, "a", "b")
    roll_back(registry.server, registry.artifacts, registry.name, "by hand")
    entry, replaced = roll_back(registry.server, registry.artifacts, registry.name, "by hand", to_version=2)
    assert (entry.digest, replaced.digest) == (registry.model("b").digest, registry.model("a").digest)
    assert read_aliases(registry.server, registry.name)["champion"] == 2


def test_a_damaged_model_does_not_become_champion(registry: Registry) -> None:
    promoted(registry, "a", "b", "c")
    flip(registry.artifacts, registry.artifacts.resolve(registry.model("b")))
    with pytest.raises(BadInput, match=r"the model of .* version 1 is damaged: weights .*; the champion stays") as refused:
        roll_back(registry.server, registry.artifacts, registry.name, "by hand")
    assert refused.value.exit_code == 2
    assert registry.ledger.head().number == 3
    assert read_aliases(registry.server, registry.name) == {}
    assert roll_back(registry.server, registry.artifacts, registry.name, "by hand", to_version=1).entry.digest == registry.model("a").digest


def test_a_version_that_waits_for_approvals_is_no_champion_yet(registry: Registry) -> None:
    promoted(registry, "a")
    registry.register("b")
    head = registry.ledger.head()
    proposal = head.model_copy(
        update={
            "number": 2,
            "decision": Outcome.PROPOSED,
            "serves": False,
            "challenger": Candidate(version=2, model=registry.model("b")),
            "against": 1,
            "waiting": 2,
        }
    )
    registry.ledger.append(proposal)
    with pytest.raises(BadInput, match=r"version 2 of .* never was champion: it waits for approvals; .* `trainshed models show"):
        roll_back(registry.server, registry.artifacts, registry.name, "by hand", to_version=2)


def test_a_refusal_at_the_same_moment_does_not_stop_a_rollback_but_a_promotion_does(registry: Registry, monkeypatch) -> None:
    for digest in ("a", "b", "c", "d"):
        registry.register(digest)
    for digest in ("a", "b"):
        registry.decide(digest, Outcome.PROMOTED)
    real = Ledger.append
    meanwhile: list[tuple[str, Outcome]] = []

    def late(ledger: Ledger, entry: LedgerEntry) -> LedgerEntry:
        if entry.decision is Outcome.ROLLED_BACK and meanwhile:
            registry.decide(*meanwhile.pop())
        return real(ledger, entry)

    monkeypatch.setattr(Ledger, "append", late)
    meanwhile.append(("c", Outcome.REFUSED))
    entry = roll_back(registry.server, registry.artifacts, registry.name, "by hand").entry
    assert (entry.number, entry.digest, entry.against) == (4, registry.model("a").digest, 2)
    registry.decide("b", Outcome.PROMOTED)
    meanwhile.append(("d", Outcome.PROMOTED))
    with pytest.raises(Unavailable, match=r"the champion of .* changed at the same moment"):
        roll_back(registry.server, registry.artifacts, registry.name, "by hand")
    assert registry.ledger.champion().digest == registry.model("d").digest


def test_a_rollback_is_done_once_whatever_fails_after_its_entry(registry: Registry, monkeypatch, caplog) -> None:
    for digest in ("a", "b", "c"):
        registry.register(digest)
        registry.decide(digest, Outcome.PROMOTED)
    store, put, call = registry.ledger.store, registry.ledger.store.put, registry.server.call

    def lose_answer(*arguments: object, **options: object):
        put(*arguments, **options)
        raise Unavailable("the answer was lost")

    def refuse(method: str, path: str, *arguments: object, **options: object):
        if path == "registered-models/alias":
            raise Unavailable("MLflow is unreachable")
        return call(method, path, *arguments, **options)

    monkeypatch.setattr(store, "put", lose_answer)
    monkeypatch.setattr(registry.server, "call", refuse)
    assert roll_back(registry.server, registry.artifacts, registry.name, "by hand").entry.digest == registry.model("b").digest
    assert "the rollback is done, but MLflow's aliases are not set" in caplog.text
    assert registry.ledger.head().number == 4
    monkeypatch.undo()
    registry.sync()
    assert read_aliases(registry.server, registry.name)["champion"] == 2


def test_an_append_that_may_have_happened_names_a_command_that_is_safe_to_repeat(registry: Registry, monkeypatch) -> None:
    for digest in ("a", "b"):
        registry.register(digest)
        registry.decide(digest, Outcome.PROMOTED)
    store, real, real_get = registry.ledger.store, registry.ledger.store.put, registry.ledger.store.get

    def lose_store(*arguments: object, **options: object):
        def away(*_: object):
            raise Unavailable("the store is unreachable")

        real(*arguments, **options)
        monkeypatch.setattr(store, "get", away)
        raise Unavailable("the answer was lost")

    monkeypatch.setattr(store, "put", lose_store)
    with pytest.raises(
        Unavailable,
        match=r"unknown whether .* was rolled back to version 1: the answer was lost; fix: run `trainshed models rollback .* --to 1`",
    ):
        roll_back(registry.server, registry.artifacts, registry.name, "by hand")
    monkeypatch.setattr(store, "get", real_get)
    monkeypatch.setattr(store, "put", real)
    assert roll_back(registry.server, registry.artifacts, registry.name, "by hand", to_version=1).replaced is None
    assert registry.ledger.head().number == 3


def test_nothing_to_roll_back_is_one_line(registry: Registry) -> None:
    with pytest.raises(BadInput, match="unknown model"):
        roll_back(registry.server, registry.artifacts, registry.name, "by hand")
    registry.decide("a", Outcome.REFUSED)
    with pytest.raises(BadInput, match="has no champion"):
        roll_back(registry.server, registry.artifacts, registry.name, "by hand")


def test_many_clients_that_set_a_new_alias_at_once_all_succeed(registry: Registry) -> None:
    registry.register("a")
    clients = [MlflowServer(registry.settings) for _ in range(8)]
    for round_number in range(10):
        with ThreadPoolExecutor(len(clients)) as pool:
            list(pool.map(lambda client, alias=f"alias-{round_number}": set_alias(client, registry.name, alias, 1), clients))
    assert read_aliases(registry.server, registry.name) == {f"alias-{number}": 1 for number in range(10)}
