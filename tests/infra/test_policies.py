"""S3 policies, checked against every request that a line sends: each is allowed, and each permission for daily work is used."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from fixtures.line import Heard
from fixtures.policy import FOLDER, Asked, allowed, applies, like, policy
from fixtures.starts import pretrained_folder
from fixtures.tiny import sentences

from components import COMPONENTS
from pipeline.artifacts import gc
from pipeline.artifacts.manifest import blob_key
from pipeline.doctor.store import check_store
from pipeline.erasure.tombstones import Tombstone, append_tombstone
from pipeline.experiments.records import Pinned, StudyRecords
from pipeline.launchers.kubernetes.render import service_account
from pipeline.local.run import run_local
from pipeline.operators.replan import replanned_key
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.answers import record_answer
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.model_status import Waiting
from pipeline.registry.reminder import note
from pipeline.runs.records import failure_key
from pipeline.runs.source_watch import announce
from pipeline.runtime.stop import Stop
from pipeline.settings import Settings

IDENTITIES = sorted(path.stem for path in (FOLDER / "identities").glob("*.json"))
LEDGER = "arn:aws:s3:::pipeline/ledger/m/000001.json"
RELIED_ON = ("blobs/ab", "ledger/m/000001.json", "leases/ab.json", "runs/r/ingestion/request.json", "quarantine/blobs/ab.json")
COMMITTED = ("manifests/pretraining/ab.json", "leases/ab.json", "ledger/m/000001.json", "approvals/m/000001/a.json")


def asked(action: str, key: str, identity: str = "registration", **context: str) -> Asked:
    role = f"arn:aws:iam::111122223333:role/trainshed-{identity}"
    return Asked(action, f"arn:aws:s3:::pipeline/{key}", {"aws:SecureTransport": "true", "aws:PrincipalArn": role, **context})


@pytest.fixture
def line(make_line, recorder, monkeypatch):
    """A line whose components run in this process, where their requests can be seen."""
    made = make_line()
    recorder.prefix = made.settings.store.removeprefix(f"s3://{recorder.bucket}/")

    def in_process(command, _environment, _line, _stopping) -> int:
        stage = command[command.index("-m") + 1].removeprefix("components.")
        body = import_module(f"components.{stage}.__main__")
        contract = COMPONENTS.load(stage)
        recorder.identity = stage
        try:
            return import_module("pipeline.runtime.main")._run(
                contract, getattr(body, contract.verb), command[command.index("--request") + 1], Stop()
            )
        finally:
            recorder.identity = "airflow"

    monkeypatch.setattr("pipeline.local.run_step.run_process", in_process)
    return made


def flip(line, stage: str) -> None:
    """Damage the largest blob of a stage's artifact."""
    entry = max(line.manifest(stage).files, key=lambda found: found.size)
    data = bytearray(line.artifacts.store.get(blob_key(entry.sha256)).data)
    data[len(data) // 2] ^= 1
    line.artifacts.store.put(blob_key(entry.sha256), bytes(data))


def run_everything(line, recorder, tmp_path) -> None:
    """The line up to a champion, damage and its healing, and what people do."""
    recorder.identity = "maintenance"
    append_tombstone(line.artifacts.store, Tombstone(number=1, time=datetime.now(UTC), person="ada", ids=("a" * 24,)))
    recorder.identity = "airflow"
    line.recipe = replace_fields(line.recipe, {"data.checks": {}}, "a test")
    line.run()
    recorder.identity = "nobody"
    flip(line, "tokenization")
    flip(line, "finetuning")
    recorder.identity = "airflow"
    line.run({"finetuning.learning_rate": 1e-3}, Heard(), frozenset({"evaluation"}))
    base = pretrained_folder(tmp_path / "base", "t5")
    line.run({"model": {"start": str(base), "context": 64}, "pretraining": None})
    line.run({"workers": {"cleaning": 2, "tokenization": 2}, "data.filter.min_chars": 21, "tokenizer.vocabulary": 420})
    reference = tmp_path / "reference.jsonl"
    reference.write_text("".join(json.dumps({"text": f"Other words: {summary} And {name}."}) + "\n" for name, _, summary in sentences(150)))
    line.run({"data.quality": {"like": {"kind": "jsonl", "path": str(reference)}, "keep": 0.5}})
    tests = tmp_path / "tests.jsonl"
    tests.write_text(
        "".join(json.dumps({"body": f"Other words about {n}.", "summary": f"It is about {n}.", "shop": "x"}) + "\n" for n in range(30))
    )
    columns = {"text": "body", "target": "summary", "group": "shop"}
    source = {"kind": "jsonl", "path": str(tests), "columns": columns}
    line.run({"data.test_source": source, "data.decontamination": {"against": [{"name": "own", "source": source}]}})
    store = line.artifacts.store
    line.recipe = recipe = replace_fields(line.recipe, {"registration.approval": {"people": 1, "from": ["reviewer"]}}, "a test")
    line.run({"finetuning.seed": 5})
    ledger = Ledger(store, recipe.registration.model)
    head = ledger.head()
    recorder.identity = "registration"
    proposal = ledger.append(
        head.model_copy(
            update={
                "number": head.number + 1,
                "decision": Outcome.PROPOSED,
                "serves": False,
                "waiting": head.number + 1,
                "approval": recipe.registration.approval,
            }
        )
    )
    recorder.identity = "airflow"
    record_answer(ledger, proposal, "reviewer", "r", approve=True)
    run_local(recipe, f"{recipe.name}-promote", line.settings, Heard(), line="promote")
    store.put(replanned_key("r", 1), b"{}", if_absent=True)
    StudyRecords(store, "s").begin({}, Pinned(sources={}, champions={}))
    assert StudyRecords(store, "s").began() is not None
    store.put(failure_key("r", "s"), b"{}")
    announce(store, "r", "ab", waiting=False)
    labelled = {"source": recipe.data.source.model_dump(), "max_drop": 50.0, "least": 20}
    watched = replace_fields(recipe, {"monitor": {"labelled": labelled}, "evaluation.examples": 20}, "a test")
    run_local(watched, f"{recipe.name}-look", line.settings, Heard(), line="monitor")
    head = ledger.head()
    note(ledger, Waiting(head, (), ()), datetime.now(UTC))
    for key in ("monitoring/m/1.json", "monitoring/m/2.json", "profiles/ab-1.parquet"):
        store.put(key, b"{}")
    recorder.identity = "serving"
    store.put("served/m/2026-01-01/a.jsonl", b"{}")
    for identity in ("pretraining", "ingestion"):
        recorder.identity = identity
        (tmp_path / identity).write_bytes(identity.encode() * (4 << 20))
        assert store.upload(tmp_path / identity, blob_key(identity))
    recorder.identity = "maintenance"
    assert {finding.state for finding in check_store(line.settings)} == {"ok"}
    ledger = Ledger(store, line.recipe.registration.model)
    head = ledger.head()
    ledger.append(head.model_copy(update={"number": head.number + 1}))
    recorder.identity = "pretraining"
    store.put("training/ab/checkpoints/000000001.json", b"{}")
    recorder.identity = "maintenance"
    later = datetime.now(UTC) + timedelta(days=410)
    ages = gc.Ages(runs=timedelta(0))
    assert gc.collect(line.artifacts, ages, later).marked
    assert gc.collect(line.artifacts, ages, later + ages.grace).removed


DAILY = {"List", "Commit", "Checkpoint", "WriteLedger", "WriteRequests", "RecordStudies", "CollectGarbage"}
"""Statements that a line in which little goes wrong, and a garbage collection, make full use of, but for what is read on a retry."""


def idle(sent: list[Asked], statements: list[dict]) -> set[tuple[str, str]]:
    """What is allowed for daily work, and nobody asked for."""
    offered = {
        (action, resource)
        for statement in statements
        if statement["Sid"] in DAILY
        for action in statement["Action"]
        if action != "s3:GetObject"
        for resource in statement["Resource"]
    }
    used = {
        (action, resource) for action, resource in offered if any(one.action == action and like(one.resource, resource) for one in sent)
    }
    return offered - used


@pytest.mark.timeout(300)  # whole lines run
def test_every_request_of_the_line_is_allowed_and_every_stage_writes_only_its_own(line, recorder, tmp_path) -> None:
    run_everything(line, recorder, tmp_path)
    bucket = policy("bucket")
    assert set(COMPONENTS) | {"airflow", "maintenance"} <= set(recorder.asked)
    for identity in (*COMPONENTS, "airflow", "maintenance"):
        statements = policy(f"identities/{identity}")
        refused = {(one.action, one.resource) for one in recorder.asked[identity] if not allowed(one, statements, bucket)}
        assert not refused, f"{identity}: {sorted(refused)}"
    unused = {
        identity: idle(recorder.asked[identity], policy(f"identities/{identity}")) for identity in (*COMPONENTS, "airflow", "maintenance")
    }
    assert not {identity: found for identity, found in unused.items() if found}
    written = {
        identity: {one.resource.split("/")[1] for one in found if one.action == "s3:PutObject"}
        for identity, found in recorder.asked.items()
    }
    assert [identity for identity in COMPONENTS if "ledger" in written[identity]] == ["registration", "promotion"]
    assert [identity for identity in written if "approvals" in written[identity]] == ["airflow"]
    assert {identity for identity in COMPONENTS if "training" in written[identity]} == {"pretraining", "finetuning"}
    conditional = [one for found in recorder.asked.values() for one in found if {"s3:if-none-match", "s3:if-match"} & one.context.keys()]
    assert {one.resource.split("/")[1] for one in conditional} >= {"manifests", "leases", "ledger", "blobs"}


@pytest.mark.parametrize("key", COMMITTED)
def test_what_commits_is_refused_without_a_condition(key) -> None:
    everything = [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]
    bucket = policy("bucket")
    who = "airflow" if key.startswith("approvals") else "registration"
    plain = asked("s3:PutObject", key, who, **{"s3:ObjectCreationOperation": "true"})
    part = asked("s3:PutObject", key, who, **{"s3:ObjectCreationOperation": "false"})
    absent = asked("s3:PutObject", key, who, **{"s3:if-none-match": "*"})
    match = asked("s3:PutObject", key, who, **{"s3:if-match": '"e"'})
    assert [allowed(one, everything, bucket) for one in (plain, part, absent)] == [False, False, True]
    # an entry of the ledger is added, and never changed
    assert allowed(match, everything, bucket) == (not key.startswith(("ledger", "approvals")))


@pytest.mark.parametrize("identity", IDENTITIES)
def test_only_promoters_may_write_the_ledger_even_with_all_rights(identity) -> None:
    everything = [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]
    entry = asked("s3:PutObject", "ledger/m/000001.json", identity, **{"s3:if-none-match": "*"})
    may = identity in {"registration", "promotion", "maintenance"}
    assert allowed(entry, policy(f"identities/{identity}"), policy("bucket")) is may
    assert allowed(entry, everything, policy("bucket")) is may
    assert not allowed(asked("s3:DeleteObject", "ledger/m/000001.json", identity), everything, policy("bucket"))


@pytest.mark.parametrize("identity", IDENTITIES)
def test_only_what_takes_a_source_reads_sources_and_airflow_lists_them(identity) -> None:
    context = {"aws:SecureTransport": "true"}
    read = Asked("s3:GetObject", "arn:aws:s3:::sources/corpus/part-1.jsonl", context)
    listed = Asked("s3:ListBucket", "arn:aws:s3:::sources", context)
    statements = policy(f"identities/{identity}")
    assert allowed(read, statements, policy("bucket")) is (identity in {"cleaning", "ingestion", "test_set", "text_sample", "model_import"})
    assert allowed(listed, statements, policy("bucket")) is (
        identity in {"cleaning", "ingestion", "test_set", "text_sample", "model_import", "airflow"}
    )


@pytest.mark.parametrize("stage", COMPONENTS)
def test_a_stage_deletes_only_what_it_may_write_and_never_what_others_rely_on(stage) -> None:
    statements, bucket = policy(f"identities/{stage}"), policy("bucket")
    for key in (*RELIED_ON, *(f"manifests/{other}/ab/cd.json" for other in COMPONENTS)):
        assert not allowed(asked("s3:DeleteObject", key, stage), statements, bucket), key
    trains = COMPONENTS.load(stage).trains
    assert allowed(asked("s3:DeleteObject", "training/ab/checkpoints/000000001.json", stage), statements, bucket) is trains
    written = [resource for one in statements if "s3:PutObject" in one["Action"] for resource in one["Resource"]]
    deleted = [resource for one in statements if "s3:DeleteObject" in one["Action"] for resource in one["Resource"]]
    assert set(deleted) <= set(written)


@pytest.mark.parametrize("identity", IDENTITIES)
def test_only_maintenance_deletes_what_others_rely_on_even_with_all_rights(identity) -> None:
    everything = [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}]
    for key in ("blobs/ab", "manifests/ingestion/ab/cd.json", "quarantine/blobs/ab.json"):
        assert allowed(asked("s3:DeleteObject", key, identity), everything, policy("bucket")) is (identity == "maintenance")
    assert allowed(asked("s3:DeleteObjectVersion", "blobs/ab", identity), everything, policy("bucket")) is (identity == "maintenance")
    assert not allowed(asked("s3:DeleteObjectVersion", "ledger/m/000001.json", identity), everything, policy("bucket"))


@pytest.mark.parametrize("stage", COMPONENTS)
def test_no_stage_commits_for_another(stage) -> None:
    statements = policy(f"identities/{stage}")
    for other in COMPONENTS:
        manifest = asked("s3:PutObject", f"manifests/{other}/ab.json", stage, **{"s3:if-none-match": "*"})
        assert allowed(manifest, statements, policy("bucket")) is (other == stage)


def test_the_example_of_trust_is_for_a_service_account_the_launcher_uses() -> None:
    (statement,) = json.loads((FOLDER / "trust-example.json").read_text())["Statement"]
    (subject,) = [value for key, value in statement["Condition"]["StringEquals"].items() if key.endswith(":sub")]
    settings = Settings()
    stages = {f"system:serviceaccount:{settings.kubernetes_namespace}:{service_account(stage)}" for stage in COMPONENTS}
    assert subject in stages


def test_requests_without_tls_are_denied() -> None:
    plain = asked("s3:GetObject", "blobs/ab", **{"aws:SecureTransport": "false"})
    assert not allowed(plain, policy("identities/airflow"), policy("bucket"))


def test_there_is_a_policy_for_every_stage_and_each_fits_into_a_managed_policy() -> None:
    assert set(IDENTITIES) == {*COMPONENTS, "airflow", "maintenance", "mlflow", "serving"}
    for name in IDENTITIES:
        # AWS counts a managed policy's characters without white space, up to 6,144
        assert len(json.dumps(json.loads((FOLDER / "identities" / f"{name}.json").read_text()), separators=(",", ":"))) <= 6144
        assert all(statement["Effect"] == "Allow" for statement in policy(f"identities/{name}"))
    assert all(statement["Effect"] == "Deny" for statement in policy("bucket"))
    assert applies(policy("bucket")[1], Asked("s3:PutObject", LEDGER))


def test_the_monitor_reads_the_log_of_inputs_which_serving_only_adds_to() -> None:
    bucket = policy("bucket")

    def may(identity: str, action: str, key: str) -> bool:
        return allowed(asked(action, key, identity), policy(f"identities/{identity}"), bucket)

    assert may("airflow", "s3:PutObject", "monitoring/m/20260101T000000.000000Z.json")
    assert may("airflow", "s3:PutObject", "profiles/ab-1.parquet")
    assert may("airflow", "s3:GetObject", "served/m/2026-01-01/000000-ab-1.jsonl")
    assert may("serving", "s3:PutObject", "served/m/2026-01-01/000000-ab-1.jsonl")
    assert not may("serving", "s3:GetObject", "served/m/2026-01-01/000000-ab-1.jsonl")
    assert not may("serving", "s3:PutObject", "monitoring/m/20260101T000000.000000Z.json")
    assert not may("airflow", "s3:PutObject", "served/m/2026-01-01/000000-ab-1.jsonl")
