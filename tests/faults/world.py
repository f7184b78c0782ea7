"""Where the actions of a sweep run: real S3 and MLflow servers behind a fault proxy each, and copies of a prefix of the store.

Settings of an action give up at the first error (``s3_retry_s`` is 0), so that every fault costs the attempt, unless a test asks for
patience. What a test prepares and looks at goes past the proxies.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults.proxy import Proxy

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.base import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.mlflow import Server
    from fixtures.s3 import S3Server

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.settings import Settings

LEASE_TTL_S = 1.0
"""An attempt that was cut off keeps its lease this long, and the next one waits."""

VOLATILE = ("leases/", "runs/", "probe/", "training/")
"""Objects that may differ after a retry: who ran when, how far it came, what a check of the server left, and the records of
checkpoints that an attempt could not delete after its commit. Garbage collection removes those."""


class World:
    """Servers, proxies, and a folder for state."""

    def __init__(self, s3: S3Server, mlflow: Server, folder: Path) -> None:
        self.s3_server, self.mlflow_server, self.folder = s3, mlflow, folder
        self.s3 = Proxy(s3.endpoint)
        self.mlflow = Proxy(mlflow.uri)
        # a process that is dead for one server is dead for the other
        self.s3.on_gone = lambda: setattr(self.mlflow, "gone", True)
        self.mlflow.on_gone = lambda: setattr(self.s3, "gone", True)

    def close(self) -> None:
        """Stop both proxies."""
        self.s3.close()
        self.mlflow.close()

    def heal(self) -> None:
        """Let the next attempt reach both servers."""
        self.s3.gone = self.mlflow.gone = False

    def direct(self, prefix: str | None = None) -> Settings:
        """Settings past the proxies, with a state folder that nothing else uses."""
        prefix = prefix or uuid.uuid4().hex
        return self.s3_server.settings(self.folder / uuid.uuid4().hex, prefix, mlflow_uri=self.mlflow_server.uri)

    def disturbed(self, direct: Settings, retry_s: float) -> Settings:
        """The same store through the proxies, on another machine: nothing of it is in the local cache."""
        state = self.folder / uuid.uuid4().hex
        # digests of the code, which cost a second to compute
        if (known := direct.state / "file_cache").exists():
            shutil.copytree(known, state / "file_cache")
        changes = {
            "state": state, "s3_endpoint": self.s3.url, "mlflow_uri": self.mlflow.url,
            "s3_retry_s": retry_s, "mlflow_retry_s": retry_s, "lease_ttl_s": LEASE_TTL_S,
        }  # fmt: skip
        return direct.model_copy(update=changes)


@dataclass(frozen=True)
class Prefix:
    """What a prefix of the store holds, to start many cases from."""

    settings: Settings
    keys: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> Prefix:
        """As it is now, without what is volatile."""
        store = open_artifacts(settings).store
        return cls(settings, tuple(stat.key for stat in store.list("") if not stat.key.startswith(VOLATILE)))

    def copy_to(self, settings: Settings) -> None:
        """Copy every object; a server that is busy with much else answers 500 now and then, and the store tries again."""
        source, target = open_artifacts(self.settings).store, open_artifacts(settings).store
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: target.put(key, source.get(key).data), self.keys))


def stored(artifacts: Artifacts) -> frozenset[str]:
    """Keys of a store, without what is volatile; every artifact is whole and every blob is what its key says.

    Raises:
        AssertionError: something is missing, damaged or quarantined.
    """
    keys = frozenset(stat.key for stat in artifacts.store.list("") if not stat.key.startswith(VOLATILE))
    for key in keys:
        assert not key.startswith("quarantine/"), f"{key} although nothing is damaged"
        if key.startswith("blobs/"):
            try:
                data = artifacts.store.get(key).data
            except NotFound:
                raise AssertionError(f"{key} is listed but not there") from None
            assert hashlib.sha256(data).hexdigest() == key.removeprefix("blobs/"), f"{key} has other bytes"
    for manifest in artifacts.manifests():
        missing = artifacts.missing(manifest)
        assert not missing, f"{manifest.stage} lacks {missing[0]}"
    return keys
