"""Where settings come from (variables, mounted files, the env file of the stack), and that no message shows a secret."""

from __future__ import annotations

import os

import pytest

from pipeline.errors import BadInput
from pipeline.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("AWS_", "MLFLOW_", "TRAINSHED_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path / "state"))


@pytest.fixture
def mounted(monkeypatch, tmp_path):
    """A folder as Kubernetes mounts a Secret: links to files in a hidden folder that is replaced as a whole."""
    folder = tmp_path / "mounted"
    (folder / "..2026").mkdir(parents=True)
    (folder / "..data").symlink_to("..2026")
    monkeypatch.setenv("TRAINSHED_SECRETS_DIR", str(folder))

    def put(**files):
        for name, text in files.items():
            (folder / "..2026" / name).write_text(text)
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(f"..data/{name}")
        return folder

    return put


def test_mounted_files_are_read_by_the_names_of_the_variables(mounted):
    mounted(AWS_ACCESS_KEY_ID="access", AWS_SECRET_ACCESS_KEY="secret\n", TRAINSHED_AIRFLOW_PASSWORD="airflow", AWS_SESSION_TOKEN="token")
    settings = load_settings()
    assert settings.s3_keys == ("access", "secret", "token")
    assert settings.airflow_password.get_secret_value() == "airflow"


def test_a_replaced_file_is_read_again(mounted):
    mounted(MLFLOW_TRACKING_PASSWORD="old")
    assert load_settings().mlflow_password.get_secret_value() == "old"
    mounted(MLFLOW_TRACKING_PASSWORD="new")
    assert load_settings().mlflow_password.get_secret_value() == "new"


def test_settings_are_read_once_while_variables_and_file_are_the_same(monkeypatch, tmp_path):
    first = load_settings()
    assert load_settings() is first
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "env").write_text("TRAINSHED_S3_REGION='one'\n")
    assert load_settings().s3_region == "one"
    (tmp_path / "state" / "env").write_text("TRAINSHED_S3_REGION='two'\n")
    assert load_settings().s3_region == "two"
    monkeypatch.setenv("TRAINSHED_S3_REGION", "three")
    assert load_settings().s3_region == "three"


def test_an_env_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "env").write_bytes(b"\xff\xfe=1\n")
    with pytest.raises(BadInput, match=r"state/env: 'utf-8' codec can't decode.*fix: delete it, and run `trainshed up`"):
        load_settings()


def test_a_working_folder_that_was_deleted_is_one_line(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(BadInput, match="the working folder was deleted; fix: change to another folder"):
        load_settings()


def test_our_variable_goes_before_a_file_and_a_file_before_the_stacks_own_and_borrowed_ones(mounted, monkeypatch, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "env").write_text("AWS_ACCESS_KEY_ID='stack'\nMLFLOW_TRACKING_PASSWORD='stack'\n")
    mounted(AWS_ACCESS_KEY_ID="file", AWS_SECRET_ACCESS_KEY="file", TRAINSHED_AIRFLOW_PASSWORD="file")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "borrowed")
    monkeypatch.setenv("TRAINSHED_S3_SECRET_KEY", "ours")
    settings = load_settings()
    assert settings.s3_keys == ("file", "ours")
    assert settings.airflow_password.get_secret_value() == "file"
    assert settings.mlflow_password.get_secret_value() == "stack"


def test_a_folder_that_is_not_there_is_a_mistake(monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINSHED_SECRETS_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match=r"TRAINSHED_SECRETS_DIR = '.*/nowhere': .*No such file"):
        load_settings()


def test_what_is_no_file_of_the_folder_is_a_mistake(mounted, tmp_path):
    folder = mounted()
    (tmp_path / "outside").write_text("secret")
    (folder / "AWS_ACCESS_KEY_ID").symlink_to(tmp_path / "outside")
    with pytest.raises(BadInput, match="AWS_ACCESS_KEY_ID is not a file of this folder"):
        load_settings()
    (folder / "AWS_ACCESS_KEY_ID").unlink()
    (folder / "MLFLOW_TRACKING_PASSWORD").mkdir()
    with pytest.raises(BadInput, match="MLFLOW_TRACKING_PASSWORD is not a file of this folder"):
        load_settings()


@pytest.mark.parametrize(
    "name",
    ["STORE", "S3_ENDPOINT", "MLFLOW_URI", "AIRFLOW_URL", "DOCKER_URL", "CONTAINER_S3_ENDPOINT", "CONTAINER_MLFLOW_URI"],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(monkeypatch, name):
    """Messages, MLflow and pod specs show addresses."""
    monkeypatch.setenv(f"TRAINSHED_{name}", "https://me:planted-password@server.example/path")
    with pytest.raises(BadInput) as raised:
        load_settings()
    assert f"TRAINSHED_{name} = 'https://...@server.example/path'" in str(raised.value)
    assert "planted" not in str(raised.value)


def test_settings_do_not_show_their_keys():
    shown = repr(Settings(s3_access_key="planted", s3_secret_key="planted", s3_session_token="planted", mlflow_password="planted"))
    assert "planted" not in shown
    assert "planted" not in Settings(airflow_password="planted").model_dump_json()


def test_a_token_of_the_shell_is_not_taken_for_one_of_the_local_keys(monkeypatch, tmp_path):
    from pipeline.stack.base import StackContext
    from pipeline.stack.environment import write_env_file
    from pipeline.stack.secrets import load_or_generate

    state = tmp_path / "state"
    write_env_file(StackContext(state, Settings(state=state), {"s3": 8333}, load_or_generate(state)))
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-aws")
    assert len(load_settings().s3_keys) == 2
    monkeypatch.setenv("TRAINSHED_USE_EXISTING", "s3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-aws")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-aws")
    assert load_settings().s3_keys == ("of-aws", "of-aws", "of-aws")
