"""What is asked of this machine alone: variables, disk, versions, recipes, GPU; and its clock, of a server."""

from email.utils import formatdate
from types import SimpleNamespace

import pytest
from fixtures.mlflow import free_port

from pipeline.doctor import clock, disk, versions
from pipeline.doctor.run_check import run_check
from pipeline.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    import os

    for name in [name for name in os.environ if name.startswith(("TRAINSHED_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("TRAINSHED_S3_ENDPOINT", "http://127.0.0.1:1")


def test_known_variables_are_ok(monkeypatch):
    monkeypatch.setenv("TRAINSHED_STACK", "/made/by/the/stack")
    assert [finding.state for finding in run_check("settings", load_settings())] == ["ok"]


def test_an_unknown_variable_gets_the_near_name(monkeypatch):
    monkeypatch.setenv("TRAINSHED_LUANCHER", "docker")
    monkeypatch.setenv("TRAINSHED_QQQ", "1")
    found = run_check("settings", load_settings())
    assert [finding.state for finding in found] == ["error", "error"]
    assert found[0].fix == "did you mean TRAINSHED_LAUNCHER?"
    assert "docs/settings.md" in found[1].fix


def test_a_mounted_file_of_an_unknown_name_gets_the_near_one(monkeypatch, tmp_path):
    for name in ("TRAINSHED_S3_SECRET_KYE", "TRAINSHED_MLFLOW_PASSWORD", "theirs"):
        (tmp_path / name).write_text("planted")
    monkeypatch.setenv("TRAINSHED_SECRETS_DIR", str(tmp_path))
    (finding,) = run_check("settings", load_settings())
    assert (finding.state, finding.fix) == ("error", "did you mean TRAINSHED_S3_SECRET_KEY?")
    assert "planted" not in str(finding)


def test_an_unknown_existing_server_is_an_error_beside_what_was_found_before(monkeypatch):
    monkeypatch.setenv("TRAINSHED_USE_EXISTING", "s3,minio")
    monkeypatch.setenv("TRAINSHED_QQQ", "1")
    found = run_check("settings", load_settings())
    assert [finding.state for finding in found] == ["error", "error"]
    assert "TRAINSHED_QQQ" in found[0].got
    assert "minio" in found[1].got


def test_no_server_named_anywhere_is_a_warning(monkeypatch):
    monkeypatch.delenv("TRAINSHED_S3_ENDPOINT")
    (finding,) = run_check("settings", load_settings())
    assert finding.state == "warning"
    assert "trainshed up" in finding.fix


def test_little_room_is_a_warning(monkeypatch, tmp_path):
    free = SimpleNamespace(free=6 * disk.GIB)
    monkeypatch.setattr("shutil.disk_usage", lambda place: free)
    assert [finding.state for finding in run_check("disk", Settings(state=tmp_path / "not" / "yet"))] == ["ok"]
    free.free = 4 * disk.GIB
    (finding,) = run_check("disk", Settings(state=tmp_path))
    assert (finding.state, finding.got) == ("warning", f"4.0 GB free for {tmp_path}")


def test_a_state_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    (finding,) = run_check("disk", Settings(state=tmp_path / "file" / "state"))
    assert finding.state == "error"


def test_the_libraries_here_are_those_of_the_lock_file():
    (finding,) = run_check("versions", Settings())
    assert finding.state == "ok", finding
    assert "requirements.lock" in finding.got


def test_another_version_is_a_warning_and_a_missing_library_wrong(tmp_path, monkeypatch):
    (tmp_path / "requirements.lock").write_text("numpy==1.0.0 \\\n    --hash=sha256:1\nrouge-score==9\n")
    real = versions.installed
    monkeypatch.setattr(versions, "installed", lambda name: None if name == "rouge-score" else real(name))
    found = {finding.state: finding for finding in run_check("versions", Settings(home=tmp_path))}
    assert found["warning"].fix == "install numpy==1.0.0"
    assert found["error"].fix == "install rouge-score==9"


def test_another_python_is_an_error(monkeypatch):
    monkeypatch.setattr("sys.version_info", (3, 12, 1))
    (finding,) = run_check("versions", Settings())
    assert (finding.state, finding.got) == ("error", "Python 3.12.1")


def test_a_recipe_with_an_unknown_size_is_an_error_and_the_others_are_read(recipe_folder):
    settings = Settings(state=recipe_folder.parent)
    (finding,) = run_check("recipes", settings)
    assert (finding.state, "first" in finding.got) == ("ok", True)
    text = (recipe_folder / "first.yaml").read_text()
    (recipe_folder / "first.yaml").write_text(f"{text}resources: {{pretraining: gpu-11}}\n")
    (finding,) = run_check("recipes", settings)
    assert finding.state == "error"
    assert "recipe first: unknown machine size 'gpu-11'" in finding.got
    assert "did you mean 'gpu-1'" in finding.fix


@pytest.fixture
def nvidia(tmp_path, monkeypatch):
    """Puts a driver's program on the path that says and ends as it is told; without a call there is none."""

    def install(says, code=0):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:/nowhere")
    return install


def gpu(device, **changes):
    (finding,) = run_check("gpu", Settings(device=device, **changes))
    return finding


def test_a_gpu_that_is_asked_for_has_to_be_there(nvidia):
    assert gpu("cuda").state == "error"
    assert gpu("cuda", launcher="kubernetes").state == "ok"
    assert gpu("auto").got.endswith("steps run on the CPU")
    nvidia("NVIDIA H100")
    assert gpu("cuda").got == "device cuda; 1 visible: NVIDIA H100"
    nvidia("Failed to initialize NVML", 9)
    assert "nvidia-smi says: Failed to initialize NVML" in gpu("cuda").got


def test_a_remote_engine_has_other_gpus_than_this_machine(nvidia):
    assert gpu("cuda", launcher="docker").state == "error"
    assert gpu("cuda", launcher="docker", docker_url="tcp://elsewhere:2376").state == "ok"


def test_an_unknown_device_gets_the_near_name():
    assert gpu("cdua").fix == "did you mean 'cuda'?"


@pytest.mark.parametrize(("shift_s", "state"), [(0, "ok"), (-60, "warning"), (60, "warning"), (-3600, "error"), (3600, "error")])
def test_the_clock_is_compared_with_the_store(shift_s, state, answers):
    import time

    answers.headers["Date"] = formatdate(time.time() + shift_s, usegmt=True)
    (finding,) = run_check("clock", Settings(store="s3://bucket", s3_endpoint=answers.url))
    assert finding.state == state
    if shift_s:
        assert ("behind" if shift_s > 0 else "ahead of") in finding.got


def test_mlflow_tells_the_time_where_the_store_does_not(answers, monkeypatch):
    monkeypatch.setattr(clock, "RETRY_S", 0.5)
    away = f"http://127.0.0.1:{free_port()}"
    (finding,) = run_check("clock", Settings(store="s3://bucket", s3_endpoint=away, mlflow_uri=answers.url))
    assert finding.state == "ok"
    assert answers.url in finding.got
    (finding,) = run_check("clock", Settings(store="s3://bucket", s3_endpoint=away, mlflow_uri=away))
    assert finding.state == "unreachable"


def asking(state, *people: str) -> Settings:
    """Settings with one recipe that asks these persons."""
    text = (Settings().recipe_folders[0] / "pydocs.yaml").read_text().replace("name: pydocs\n", "name: asked\n")
    recipe = state / "recipes" / "asked.yaml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(text.replace("  model: pydocs\n", f"  model: asked\n  approval: {{people: 1, from: [{', '.join(people)}]}}\n"))
    return Settings(state=state)


def test_an_approver_whom_the_local_airflow_does_not_know_is_found(tmp_path):
    settings = asking(tmp_path / "state", "approver1", "aprover2", "zoe")
    (finding,) = run_check("approvers", settings)
    assert (finding.state, finding.got) == ("ok", "no local Airflow has users; approvers are not checked")
    passwords = tmp_path / "state" / "airflow" / "passwords.json"
    passwords.parent.mkdir()
    passwords.write_text('{"admin": "a", "approver1": "b", "approver2": "planted"}')
    found = run_check("approvers", settings)
    assert [finding.state for finding in found] == ["warning", "warning"]
    assert str(found[0]) == (
        "recipe asked: the local Airflow has no user 'aprover2', named in registration.approval.from; "
        "expected one of: admin, approver1, approver2; fix: did you mean 'approver2'?"
    )
    assert "planted" not in "".join(map(str, found))
    passwords.write_text('{"approver1": "b", "aprover2": "c", "zoe": "d"}')
    (finding,) = run_check("approvers", settings)
    assert finding.got == "3 approvers in recipes; the local Airflow knows each"
    passwords.write_text("damaged")
    (finding,) = run_check("approvers", settings)
    assert (finding.state, finding.fix) == ("error", "run `trainshed up`, which writes it")
