"""What a component finds in its container, and that no key is among what may be shown."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.placement.container_environment import KEYS, SCRATCH, component_variables
from pipeline.settings import Settings, load_settings

GIVEN = Settings(
    store="s3://bucket/prefix",
    s3_endpoint="http://127.0.0.1:8333",
    s3_access_key=SecretStr("planted-access"),
    s3_secret_key=SecretStr("planted-secret"),
    s3_session_token=SecretStr("planted-token"),
    mlflow_uri="http://127.0.0.1:5000",
    mlflow_username="someone",
    mlflow_password=SecretStr("planted-password"),
    threads=2,
    device="cpu",
    lease_ttl_s=7,
)


def test_keys_are_apart_from_what_may_be_shown() -> None:
    public, secret = component_variables(GIVEN)
    assert set(secret) == set(KEYS.values())
    assert set(secret.values()) == {"planted-access", "planted-secret", "planted-token", "planted-password"}
    assert "planted" not in str(public)


def test_a_component_reads_back_what_was_handed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    public, secret = component_variables(GIVEN)
    for name, value in {**public, **secret}.items():
        monkeypatch.setenv(name, value)
    found = load_settings()
    same = {"store", "s3_endpoint", "s3_keys", "mlflow_uri", "mlflow_username", "mlflow_password", "threads", "device", "lease_ttl_s"}
    assert {name: getattr(found, name) for name in same} == {name: getattr(GIVEN, name) for name in same}
    assert str(found.state) == SCRATCH


def test_addresses_may_differ_inside() -> None:
    inside = GIVEN.model_copy(update={"container_s3_endpoint": "http://s3:8333", "container_mlflow_uri": "http://mlflow:5000"})
    public, _ = component_variables(inside)
    assert public["TRAINSHED_S3_ENDPOINT"] == "http://s3:8333"
    assert public["TRAINSHED_MLFLOW_URI"] == "http://mlflow:5000"


def test_what_is_not_set_is_not_handed_over() -> None:
    public, secret = component_variables(Settings(s3_endpoint=None, mlflow_username=None))
    assert not secret
    assert not {"TRAINSHED_S3_ENDPOINT", "TRAINSHED_THREADS", "MLFLOW_TRACKING_USERNAME"} & public.keys()
