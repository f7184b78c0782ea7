"""S3 policies in ``infra/policies/``: what each identity may do in the bucket of artifacts, and what no identity may do.

Each component has an identity, derived from its contract: it commits its own artifacts, reads the types it takes, and may
quarantine damaged blobs, which deletes nothing. Only registration and promotion write the ledger;
only Airflow writes what people answered, and only people with the identity ``maintenance`` write what is to be forgotten. Only components that train write and delete
checkpoints; nothing else in the store can be deleted by a component.
``airflow`` plans, writes requests and looks at champions; ``serving`` adds to the log of inputs. ``maintenance`` is for people: garbage collection, rollback, restore.

The bucket's policy overrules every identity: a commit needs a condition, ledger entries are added, never changed or deleted, and only
``maintenance`` deletes blobs, manifests and old versions of objects. A component with stolen keys can still overwrite a blob, which
every reader notices by its digest; the bucket's versions then have the right bytes.

``s3:ListBucket`` has no prefix: with one, S3 would answer 403 for a missing key, and not 404. The key of a blob is its digest, and
parts of a multipart upload take no condition, so ``blobs/`` needs none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components import COMPONENTS
from pipeline.artifacts.types import ArtifactType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.component import Component

BUCKET, SOURCES, LOGS, MLFLOW = "pipeline", "sources", "airflow-logs", "mlflow"
"""Names of the buckets in the files; replace them by the names of the installation."""

COMMITS = ("manifests/*", "leases/*", "ledger/*", "approvals/*", "studies/*", "forgotten/*")
"""Keys that are written under a condition only, so that one of two concurrent attempts wins."""

PROMOTERS = ("registration", "promotion", "maintenance")
"""Identities that may write the ledger."""

APPROVERS = ("airflow",)
"""Identities that may write what people answered: Airflow, which authenticates them."""

ERASERS = ("maintenance",)
"""Identities that may write what is to be forgotten."""

COMMITTED = ("blobs/*", "manifests/*", "quarantine/*")
"""Keys that other stages rely on, champions among them."""

LOOKS = ("monitoring/*", "profiles/*")
"""Keys that the monitor writes."""

COLLECTORS = ("maintenance",)
"""Identities that may delete those."""

Statement = dict[str, Any]


def policy_files(home: Path) -> dict[Path, str]:
    """The path and text of each policy."""
    folder = home / "infra" / "policies"
    contracts = [COMPONENTS.load(name) for name in COMPONENTS]
    identities = {contract.name: _stage(contract, contracts) for contract in contracts}
    identities |= {"airflow": _airflow(), "maintenance": _maintenance(), "mlflow": _mlflow(), "serving": _serving()}
    files = {folder / "identities" / f"{name}.json": statements for name, statements in identities.items()}
    return {path: _text(statements) for path, statements in {**files, folder / "bucket.json": _bucket()}.items()}


def _stage(contract: Component, contracts: Iterable[Component]) -> list[Statement]:
    """The policy of one component."""
    taken = {wanted.type for wanted in contract.inputs.values()}
    makers = sorted({other.name for other in contracts if other.output in taken})
    near = [contract.name, *(name for name in makers if name != contract.name)]
    own_quarantine = f"quarantine/manifests/{contract.name}/*"
    read = ["blobs/*", *(f"manifests/{name}/*" for name in near), "leases/*", "runs/*/request.json", "quarantine/blobs/*", own_quarantine]
    statements = [
        _allow("List", ["s3:ListBucket"], [""]),
        _allow("Read", ["s3:GetObject"], read),
        _allow("Commit", ["s3:PutObject"], ["blobs/*", f"manifests/{contract.name}/*", "leases/*"]),
        _allow("Report", ["s3:PutObject"], ["runs/*/progress.json", "runs/*/failure.json"]),
        _allow("Quarantine", ["s3:PutObject"], ["quarantine/blobs/*", own_quarantine]),
        *_always(),
    ]
    if contract.intermediates:
        statements.append(_allow("Intermediates", ["s3:GetObject", "s3:PutObject"], ["intermediates/*"]))
    if contract.trains:
        statements.append(_allow("Checkpoint", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], ["training/*"]))
        statements.append(_allow("QuarantineCheckpoint", ["s3:GetObject", "s3:PutObject"], ["quarantine/training/*"]))
    if ArtifactType.SOURCE in taken:
        statements += _sources(["s3:GetObject", "s3:GetObjectVersion"])
        if contract.output in {ArtifactType.CORPUS, ArtifactType.CHUNKS, ArtifactType.TEXT_SAMPLE}:
            statements.append(_allow("ReadForgotten", ["s3:GetObject"], ["forgotten/*"]))
    if contract.effect:
        statements.append(_allow("WriteLedger", ["s3:GetObject", "s3:PutObject"], ["ledger/*"]))
        statements.append(_allow("ReadApprovals", ["s3:GetObject"], ["approvals/*"]))
        # whether a model was made from documents that are to be forgotten shows in the manifests of all that it was made from
        statements.append(_allow("ReadForgotten", ["s3:GetObject"], ["forgotten/*", "manifests/*"]))
    return statements


def _airflow() -> list[Statement]:
    """Planning and operators, in the scheduler or in workers, and their logs."""
    return [
        _allow("List", ["s3:ListBucket"], [""]),
        _allow(
            "Read",
            ["s3:GetObject"],
            ["blobs/*", "manifests/*", "leases/*", "ledger/*", "approvals/*", "forgotten/*", "runs/*", "studies/*", "quarantine/blobs/*"],
        ),
        _allow("ReadLooks", ["s3:GetObject"], ["served/*", *LOOKS]),
        _allow("WriteLooks", ["s3:PutObject"], LOOKS),
        _allow("WriteRequests", ["s3:PutObject"], ["runs/*"]),
        _allow("RecordStudies", ["s3:PutObject"], ["studies/*"]),
        _allow("WriteApprovals", ["s3:PutObject"], ["approvals/*"]),
        _allow("WritePages", ["s3:PutObject"], ["pages/*"]),
        _allow("WatchSources", ["s3:GetObject", "s3:PutObject"], ["watch/*"]),
        _allow("RememberReminders", ["s3:GetObject", "s3:PutObject"], ["reminders/*"]),
        _allow("ClearFailure", ["s3:DeleteObject"], ["runs/*/failure.json"]),
        _allow("Quarantine", ["s3:PutObject"], ["quarantine/blobs/*"]),
        *_always(),
        *_sources([]),
        _allow("Logs", ["s3:GetObject", "s3:PutObject"], ["*"], LOGS),
        _allow("ListLogs", ["s3:ListBucket"], [""], LOGS),
    ]


def _maintenance() -> list[Statement]:
    """People: garbage collection, rollback, doctor, restore of the ledger."""
    return [
        _allow("List", ["s3:ListBucket"], [""]),
        _allow("Read", ["s3:GetObject"], ["*"]),
        _allow(
            "CollectGarbage",
            ["s3:DeleteObject"],
            ["blobs/*", "manifests/*", "leases/*", "training/*", "intermediates/*", "runs/*", "studies/*", "served/*", *LOOKS],
        ),
        _allow("MarkGarbage", ["s3:PutObject"], ["gc/*", "leases/gc.json"]),
        _allow("Quarantine", ["s3:PutObject", "s3:DeleteObject"], ["quarantine/blobs/*"]),
        _allow("WriteLedger", ["s3:PutObject"], ["ledger/*"]),
        _allow("Forget", ["s3:PutObject"], ["forgotten/*"]),
        _allow("WritePages", ["s3:PutObject"], ["pages/*"]),
        *_always(),
    ]


def _mlflow() -> list[Statement]:
    """The MLflow server, which stores its artifacts in a separate bucket; its clients need no keys."""
    return [
        _allow("List", ["s3:ListBucket"], [""], MLFLOW),
        _allow("Artifacts", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], ["artifacts/*"], MLFLOW),
    ]


def _serving() -> list[Statement]:
    """Processes that serve a model with its log of inputs: they add to the log, and read nothing."""
    return [_allow("LogInputs", ["s3:PutObject"], ["served/*"])]


def _bucket() -> list[Statement]:
    """What no identity may do, whatever its own policy allows."""
    unconditional = {"Null": {"s3:if-none-match": "true", "s3:if-match": "true"}}
    return [
        # multipart uploads are denied too: these objects are small, and a part takes no condition
        _deny("CommitUnderACondition", ["s3:PutObject"], list(COMMITS), unconditional),
        _deny(
            "AppendOnly", ["s3:PutObject"], ["ledger/*", "approvals/*", "studies/*", "forgotten/*"], {"Null": {"s3:if-none-match": "true"}}
        ),
        _deny("NeverDeleteTheLedger", ["s3:DeleteObject", "s3:DeleteObjectVersion"], ["ledger/*", "approvals/*", "forgotten/*"], {}),
        _deny("PromotersOnly", ["s3:PutObject"], ["ledger/*"], _everybody_but(PROMOTERS)),
        _deny("ErasersOnly", ["s3:PutObject"], ["forgotten/*"], _everybody_but(ERASERS)),
        _deny("ApproversOnly", ["s3:PutObject"], ["approvals/*"], _everybody_but(APPROVERS)),
        _deny("CollectorsOnly", ["s3:DeleteObject"], list(COMMITTED), _everybody_but(COLLECTORS)),
        # the bucket keeps versions: what a key that was stolen deletes or overwrites can be restored
        _deny("KeepVersions", ["s3:DeleteObjectVersion"], ["*"], _everybody_but(COLLECTORS)),
        _deny("TlsOnly", ["s3:*"], ["", "*"], {"Bool": {"aws:SecureTransport": "false"}}),
    ]


def _always() -> list[Statement]:
    """Every identity may write and read a small object, to tell a damaged object from an unreachable store, and may abort an upload."""
    return [
        _allow("Probe", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], ["probe/*"]),
        _allow("AbortUploads", ["s3:AbortMultipartUpload"], ["blobs/*"]),
    ]


def _sources(reading: list[str]) -> list[Statement]:
    look = _allow("ListSources", ["s3:ListBucket", "s3:GetBucketVersioning", "s3:ListBucketVersions"], [""], SOURCES)
    return [look, _allow("ReadSources", reading, ["*"], SOURCES)] if reading else [look]


def _allow(sid: str, actions: list[str], keys: Iterable[str], bucket: str = BUCKET) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": _resources(keys, bucket)}


def _deny(sid: str, actions: list[str], keys: Iterable[str], condition: Statement) -> Statement:
    statement = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": _resources(keys, BUCKET)}
    return {**statement, "Condition": condition} if condition else statement


def _everybody_but(names: Iterable[str]) -> Statement:
    """The condition that a request does not come from the role of one of these identities."""
    return {"StringNotLike": {"aws:PrincipalArn": [f"arn:aws:iam::*:role/trainshed-{name}" for name in names]}}


def _resources(keys: Iterable[str], bucket: str) -> list[str]:
    return [f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}" for key in keys]


def _text(statements: list[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"
