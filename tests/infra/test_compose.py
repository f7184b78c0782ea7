"""The Compose file: ports on loopback only, no root, no secrets, health checks and limits everywhere; valid if Compose is installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from fixtures.compose import client

from pipeline.settings import known_variables

FOLDER = Path(__file__).parents[2] / "infra" / "compose"
ONCE = {"airflow-prepare", "gpu-check"}
"""Services that end."""


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def services(compose) -> dict[str, dict]:
    return {**compose["services"], "gpu-check": yaml.safe_load((FOLDER / "gpu.yaml").read_text())["services"]["gpu-check"]}


def test_everything_listens_on_loopback_only(services) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not [name for name, service in services.items() if service.get("network_mode") == "host"]


def test_nothing_runs_as_root_or_may_become_it(services) -> None:
    for name, service in services.items():
        user = re.sub(r"\$\{\w+:-(.*)\}", r"\1", service["user"])
        assert int(user.split(":")[0]) > 0, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        assert service["mem_limit"], name
        assert service["pids_limit"], name


def test_only_the_scheduler_has_the_engine_socket(services) -> None:
    near = [name for name, service in services.items() if any("docker.sock" in str(volume) for volume in service.get("volumes", []))]
    assert near == ["airflow-scheduler"]


def test_every_image_is_pinned_and_can_be_chosen(services) -> None:
    for name, service in services.items():
        variable, tag = re.fullmatch(r"\$\{([A-Z_]+_IMAGE):-[\w./-]+:([\w.-]+)\}", service["image"]).groups()
        assert variable
        assert tag != "latest"
        if service["image"].startswith(("${AIRFLOW", "${SERVERS", "${GPU")):
            assert tag.removesuffix("-cuda") == version("trainshed"), name


def test_every_server_has_a_health_check_and_waits_for_what_it_needs(services) -> None:
    for name, service in services.items():
        lasting = name not in ONCE
        assert bool(service.get("healthcheck", {}).get("test")) == lasting, name
        assert (service["restart"] != "no") == lasting, name
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] == ("service_completed_successfully" if needed in ONCE else "service_healthy"), name


def test_no_file_or_variable_contains_a_secret(compose, services) -> None:
    secret = re.compile(r"(PASSWORD|SECRET|KEY|TOKEN|_CONN)(_ID)?$")
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if secret.search(variable) and "USER" not in variable:
                assert str(value).startswith("/run/secrets/"), f"{name}: {variable}"
        mounted = set(service.get("secrets", []))
        read = {
            value.removeprefix("/run/secrets/") for value in map(str, service.get("environment", {}).values()) if "/run/secrets/" in value
        }
        assert read <= mounted, name
    assert all(found == {"file": f"./secrets/{name}"} for name, found in compose["secrets"].items())
    assert "secrets/" in (FOLDER / ".gitignore").read_text().split()


def test_every_variable_of_ours_is_a_setting(services) -> None:
    for service in services.values():
        ours = {name.removeprefix("FROM_FILE_") for name in service.get("environment", {})}
        assert {name for name in ours if name.startswith("TRAINSHED_")} <= known_variables()


def test_secrets_are_generated_once_are_long_and_have_no_line_feed(compose, tmp_path) -> None:
    folder = tmp_path / "secrets"
    done = subprocess.run([FOLDER / "secrets.sh", folder], capture_output=True, text=True, check=True)
    drawn = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(drawn) == set(compose["secrets"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not [name for name, text in drawn.items() if text in done.stdout + done.stderr]
    assert len(json.loads(drawn["airflow-passwords.json"])["admin"]) >= 20
    passwords = {name: text for name, text in drawn.items() if name.endswith(("-password", "-key")) and name != "s3-access-key"}
    assert min(map(len, passwords.values())) >= 40
    assert len(drawn["airflow-jwt-key"]) >= 64
    assert len(set(passwords.values())) == len(passwords)
    # Airflow takes what `cat` prints as it is, and a URL must not need quoting
    assert all(re.fullmatch(r"[A-Za-z0-9_=-]+", text) for text in passwords.values())
    assert not [name for name, text in drawn.items() if text.endswith("\n") and not name.endswith((".json", ".ini"))]
    subprocess.run([FOLDER / "secrets.sh", folder], capture_output=True, check=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == drawn


def test_without_keys_the_command_line_is_not_configured(tmp_path) -> None:
    done = subprocess.run(
        ["sh", "-c", f". {FOLDER}/workstation.sh && echo went on"],
        env={"SECRETS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"no keys in {tmp_path}" in done.stderr


@pytest.mark.parametrize("files", [["compose.yaml"], ["compose.yaml", "gpu.yaml"]], ids=["cpu", "gpu"])
def test_compose_accepts_the_file(files, tmp_path) -> None:
    command = client()
    if command is None:
        pytest.skip("there is no Docker Compose")
    arguments = [word for name in files for word in ("-f", str(FOLDER / name))]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [*command, *arguments, "config", "--format", "json"],
        env={**environment, "DOCKER_GROUP_ID": "999"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    scheduler = json.loads(done.stdout)["services"]["airflow-scheduler"]["environment"]
    assert scheduler["TRAINSHED_IMAGES"] == "trainshed/{stage}:{version}" + ("-cuda" if "gpu.yaml" in files else "")
    assert scheduler["TRAINSHED_DEVICE"] == ("cuda" if "gpu.yaml" in files else "cpu")
    assert scheduler["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    missing = subprocess.run([*command, *arguments, "config", "-q"], env=environment, capture_output=True, text=True, check=False)
    assert "DOCKER_GROUP_ID" in missing.stderr
