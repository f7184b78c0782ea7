"""The stack as a person meets it: `trainshed status` beside a running one, and Airflow with the repository's DAGs."""

import os
import subprocess
import sys
from pathlib import Path

from pipeline.stack.http import ask


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
