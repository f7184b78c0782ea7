"""Secrets, the env file and the state folder are readable by their owner only; errors of a bad folder."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from pipeline.errors import BadInput, Unavailable
from pipeline.settings import Settings, load_settings
from pipeline.stack import folder
from pipeline.stack.airflow_config import render_config
from pipeline.stack.base import StackContext
from pipeline.stack.environment import for_components, inherited, write_env_file
from pipeline.stack.secrets import FILE, load_or_generate

PORTS = {"s3": 8333, "mlflow": 5000, "airflow": 8080}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def context(state: Path, ports: dict[str, int] = PORTS, **settings) -> StackContext:
    return StackContext(state, Settings(state=state, **settings), ports, load_or_generate(state))


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("AWS_", "MLFLOW_", "TRAINSHED_"))]:
        monkeypatch.delenv(name)


def test_secrets_are_generated_once_and_private(tmp_path):
    first = load_or_generate(tmp_path)
    assert mode(tmp_path / FILE) == 0o600
    assert load_or_generate(tmp_path) == first
    assert load_or_generate(tmp_path / "other") != first
    assert first.airflow_password not in repr(first)


def test_secrets_that_became_readable_are_closed_again(tmp_path):
    first = load_or_generate(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    assert load_or_generate(tmp_path) == first
    assert mode(tmp_path / FILE) == 0o600


def test_the_env_file_is_private_and_read_by_settings_and_by_a_shell(tmp_path):
    here = context(tmp_path, store="s3://pipeline/some prefix")
    write_env_file(here)
    assert mode(tmp_path / "env") == 0o600
    settings = load_settings(tmp_path)
    assert settings.s3_endpoint == "http://127.0.0.1:8333"
    assert settings.s3_secret_key.get_secret_value() == here.secrets.s3_secret_key
    assert settings.mlflow_password.get_secret_value() == here.secrets.mlflow_password
    assert settings.airflow_password.get_secret_value() == here.secrets.airflow_password
    assert settings.store == "s3://pipeline/some prefix"
    shell = subprocess.run(["sh", "-c", f'. "{tmp_path}/env"; echo "$TRAINSHED_STORE"'], capture_output=True, text=True, check=True)
    assert shell.stdout == "s3://pipeline/some prefix\n"


def test_keys_of_the_shell_do_not_replace_those_of_the_local_server(tmp_path, monkeypatch):
    here = context(tmp_path)
    write_env_file(here)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "for-aws-itself")
    assert load_settings(tmp_path).s3_access_key.get_secret_value() == here.secrets.s3_access_key
    monkeypatch.setenv("TRAINSHED_USE_EXISTING", "s3,airflow")
    assert load_settings(tmp_path).use_existing == {"s3", "airflow"}
    assert load_settings(tmp_path).s3_access_key.get_secret_value() == "for-aws-itself"


def test_components_are_told_of_an_existing_server_and_of_a_local_one(tmp_path):
    told = for_components(context(tmp_path, {"mlflow": 5000}, s3_endpoint="https://s3.example", s3_access_key="k", s3_secret_key="s"))
    assert told["TRAINSHED_S3_ENDPOINT"] == "https://s3.example"
    assert told["AWS_SECRET_ACCESS_KEY"] == "s"
    assert told["TRAINSHED_MLFLOW_URI"] == "http://127.0.0.1:5000"
    assert told["TRAINSHED_STATE"] == str(tmp_path)


def test_airflow_is_restarted_when_a_setting_of_tasks_was_changed(tmp_path):
    from pipeline.stack.airflow_processes import Api, Scheduler
    from pipeline.stack.startup import digest

    write_env_file(context(tmp_path))
    before = digest(Scheduler(), context(tmp_path))
    assert (
        digest(Scheduler(), context(tmp_path, **load_settings(tmp_path).model_dump(include={"mlflow_username", "airflow_url"}))) == before
    )
    for change in ({"launcher": "docker"}, {"machines": "/other.yaml"}, {"s3_connection": "store"}, {"secrets_dir": str(tmp_path)}):
        assert digest(Scheduler(), context(tmp_path, **change)) != before, change
    assert for_components(context(tmp_path, threads=3))["TRAINSHED_THREADS"] == "3"
    assert Api().environment(context(tmp_path, device="cpu"))["TRAINSHED_DEVICE"] == "cpu"


def test_variables_for_other_installations_are_not_inherited():
    kept = inherited(
        {
            "AIRFLOW__CORE__EXECUTOR": "x",
            "AWS_PROFILE": "y",
            "MLFLOW_TRACKING_URI": "z",
            "WEED_GRPC_CA": "w",
            "LANG": "C",
            "no_proxy": "intra",
        }
    )
    assert kept["LANG"] == "C"
    assert kept["no_proxy"] == "intra,127.0.0.1,localhost"
    assert kept["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert not {"AIRFLOW__CORE__EXECUTOR", "AWS_PROFILE", "MLFLOW_TRACKING_URI", "WEED_GRPC_CA"} & kept.keys()
    assert inherited({"AIRFLOW_CONN_STORE": "aws://"})["AIRFLOW_CONN_STORE"] == "aws://"


def test_airflows_configuration_keeps_a_per_cent_sign_and_listens_on_loopback(tmp_path):
    import configparser

    parsed = configparser.ConfigParser()
    parsed.read_string(render_config(context(tmp_path / "100%")))
    assert parsed["database"]["sql_alchemy_conn"] == f"sqlite:///{tmp_path}/100%/airflow/airflow.db"
    assert parsed["api"]["host"] == "127.0.0.1"
    assert parsed["core"]["load_examples"] == "False"


def test_a_state_folder_that_cannot_be_made_is_one_line_with_code_2(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot write to") as caught:
        folder.prepare(tmp_path / "file" / "state")
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_line_with_code_75(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "LEAST_FREE_MB", 10**12)
    with pytest.raises(Unavailable, match="is full"):
        folder.prepare(tmp_path / "state")
