"""A server that is busy, slow or broken for one object: nothing is quarantined, and the error says that a retry may help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.proxy import Proxy
from fixtures.artifacts import draft, write_files

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.base import CorruptObject
from pipeline.artifacts.manifest import blob_key
from pipeline.errors import Damaged, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest
    from pipeline.settings import Settings

TROUBLE = ["429", "503", "502", "504", "refuse"]


@pytest.fixture
def proxy(s3_server) -> Iterator[Proxy]:
    made = Proxy(s3_server.endpoint)
    yield made
    made.close()


@pytest.fixture
def settings(s3_server, tmp_path: Path, proxy: Proxy) -> Settings:
    return s3_server.settings(tmp_path, s3_endpoint=proxy.url, s3_retry_s=0.5)


@pytest.fixture
def artifacts(settings: Settings) -> Artifacts:
    return open_artifacts(settings)


@pytest.fixture
def manifest(artifacts: Artifacts, tmp_path: Path) -> Manifest:
    return artifacts.commit(draft(), write_files(tmp_path / "in", {"a": "1"}))


@pytest.mark.parametrize("fault", TROUBLE)
@pytest.mark.parametrize("target", ["blob", "manifest", "pointer"])
def test_one_object_that_cannot_be_had_while_the_rest_works_is_unavailable(
    artifacts: Artifacts, manifest: Manifest, proxy: Proxy, tmp_path: Path, fault: str, target: str
) -> None:
    key = {"blob": blob_key(manifest.files[0].sha256), "manifest": manifest.digest, "pointer": f"{manifest.fingerprint}.json"}[target]
    proxy.matching, proxy.always = f"^GET .*{key}", fault
    with pytest.raises(Unavailable) as caught:
        artifacts.open(artifacts.find("ingestion", manifest.fingerprint), tmp_path / "out")
    assert not isinstance(caught.value, CorruptObject | Damaged)
    proxy.always = ""
    assert artifacts.find("ingestion", manifest.fingerprint) == manifest
    assert artifacts.missing(manifest) == []
    assert list(artifacts.store.list("quarantine/")) == []


def test_expired_keys_are_known_at_a_head_request_too(artifacts: Artifacts, manifest: Manifest, proxy: Proxy) -> None:
    proxy.always = "expired"
    with pytest.raises(Unavailable, match=r"the keys have expired \(ExpiredToken\)"):
        artifacts.missing(manifest)
    proxy.always = ""
    proxy.matching, proxy.always = "^HEAD ", "403"
    with pytest.raises(Unavailable, match="HEAD was refused and GET was not"):
        artifacts.missing(manifest)


def test_an_object_that_the_server_cannot_read_at_all_is_damaged(
    artifacts: Artifacts, manifest: Manifest, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.matching, proxy.always = f"^GET .*{blob_key(manifest.files[0].sha256)}", "500"
    with pytest.raises(Damaged, match="cannot read it"):
        artifacts.open(manifest, tmp_path / "out")
    proxy.always = ""
    assert [damage.entry.path for damage in artifacts.missing(manifest)] == ["a"]
    assert artifacts.verify_and_record(manifest) == artifacts.missing(manifest) == []


def test_a_server_that_answers_500_to_everything_is_unavailable(
    artifacts: Artifacts, manifest: Manifest, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.always = "500"
    with pytest.raises(Unavailable) as caught:
        artifacts.get_files(manifest.files, tmp_path / "out")
    assert not isinstance(caught.value, CorruptObject)


def test_500_now_and_503_then_is_unavailable(artifacts: Artifacts, manifest: Manifest, proxy: Proxy, tmp_path: Path) -> None:
    proxy.matching, proxy.always = f"^GET .*{blob_key(manifest.files[0].sha256)}", "500"
    proxy.faults.append("503")
    with pytest.raises(Unavailable) as caught:
        artifacts.get_files(manifest.files, tmp_path / "out")
    assert not isinstance(caught.value, CorruptObject)


def test_bytes_that_are_damaged_on_each_way_quarantine_nothing_once_a_third_reading_is_right(
    artifacts: Artifacts, manifest: Manifest, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.matching = f"^GET .*{blob_key(manifest.files[0].sha256)}"
    proxy.faults.extend(["flip a byte"] * 2)
    with pytest.raises(Unavailable, match="damaged in transit") as caught:
        artifacts.open(manifest, tmp_path / "out")
    assert not isinstance(caught.value, Damaged)
    assert list(artifacts.store.list("quarantine/")) == []


@pytest.mark.parametrize("target", ["manifest", "pointer"])
def test_a_record_that_is_damaged_on_its_way_is_read_again(artifacts: Artifacts, manifest: Manifest, proxy: Proxy, target: str) -> None:
    proxy.matching = {"manifest": f"^GET .*{manifest.digest}", "pointer": f"^GET .*{manifest.fingerprint}.json"}[target]
    proxy.faults.append("flip a byte")
    assert artifacts.find("ingestion", manifest.fingerprint) == manifest
    assert not proxy.faults


def test_a_manifest_that_is_damaged_on_its_way_is_not_replaced(
    artifacts: Artifacts, manifest: Manifest, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.matching = f"^GET .*{manifest.digest}"
    proxy.faults.append("flip a byte")
    artifacts.commit(draft(), tmp_path / "in")
    assert not proxy.faults
    assert list(artifacts.store.list("quarantine/")) == []
