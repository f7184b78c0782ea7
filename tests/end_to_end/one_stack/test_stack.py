"""The stack from outside: `trainshed status` and `trainshed doctor` beside a running stack, and Airflow's log-in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.recipe import read_recipe, recipe_files
from pipeline.stack.http import ask
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.submit import wait_for_dag

pytestmark = pytest.mark.timeout(600)  # a whole stack comes up first


def test_status_beside_a_running_stack_needs_no_set_up(stack, tmp_path):
    trainshed = str(Path(sys.executable).with_name("trainshed"))
    done = subprocess.run(
        [trainshed, "status"], cwd=tmp_path, env=os.environ | stack.environment, capture_output=True, text=True, check=True
    )
    assert stack.settings.airflow_url in done.stdout
    assert stack.settings.mlflow_uri in done.stdout
    assert stack.settings.airflow_password.get_secret_value() not in done.stdout


def test_airflow_refuses_a_wrong_password(stack):
    url = f"{stack.settings.airflow_url}/auth/token"
    assert ask(url, {"username": "admin", "password": "wrong"}).status == 401
    assert ask(url, {"username": "admin", "password": stack.settings.airflow_password.get_secret_value()}).status == 201


def test_the_doctor_finds_nothing_wrong_beside_a_running_stack(stack, tmp_path):
    for file in recipe_files(stack.settings.recipe_folders).values():
        wait_for_dag(Airflow(stack.settings), read_recipe(file))
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | stack.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {line.split()[0]: line for line in done.stdout.splitlines()}
    for server in ("store", "mlflow", "airflow", "clock"):
        assert found[server].split()[1] == "ok", found[server]
    for secret in (stack.settings.s3_secret_key, stack.settings.mlflow_password, stack.settings.airflow_password):
        assert secret.get_secret_value() not in done.stdout
