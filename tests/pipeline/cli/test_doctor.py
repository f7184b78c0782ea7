"""`trainshed doctor`: a line for each finding, and the exit code."""

import os

import pytest
from fixtures.mlflow import free_port

from pipeline import cli
from pipeline.doctor import CHECKS, base


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("TRAINSHED_", "AWS_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    away = f"http://127.0.0.1:{free_port()}"
    for name, value in {"STATE": tmp_path / "state", "STORE": f"file://{tmp_path}/store", "MLFLOW_URI": away, "AIRFLOW_URL": away}.items():
        monkeypatch.setenv(f"TRAINSHED_{name}", str(value))
    monkeypatch.setattr(base, "RETRY_S", 0.0)
    monkeypatch.setattr("pipeline.doctor.airflow.RETRY_S", 0.0)


def rows(capsys):
    """What was printed: check and state of each line."""
    out, err = capsys.readouterr()
    assert err == ""
    return [tuple(line.split()[:2]) for line in out.splitlines()]


def test_unreachable_servers_end_with_75_and_every_check_says_something(capsys):
    assert cli.run(["doctor"]) == 75
    found = dict(rows(capsys))
    assert list(found) == list(CHECKS)
    assert {name for name, state in found.items() if state == "unreachable"} == {"mlflow", "airflow", "clock"}


def test_an_error_outweighs_an_unreachable_server(monkeypatch, capsys):
    monkeypatch.setenv("TRAINSHED_LAUNCHER", "dokcer")
    assert cli.run(["doctor"]) == 2
    out = capsys.readouterr().out
    assert "launcher  error       unknown launcher 'dokcer'; expected one of: docker, " in out
    assert "; fix: did you mean 'docker'?" in out


def test_settings_that_cannot_be_read_are_the_only_row(monkeypatch, capsys):
    monkeypatch.setenv("TRAINSHED_S3_PORT", "many")
    assert cli.run(["doctor"]) == 2
    assert rows(capsys) == [("settings", "error")]


def test_a_terminal_shows_a_table(capsys):
    from rich.console import Console

    from pipeline.cli.doctor import findings_table

    table = findings_table([("gpu", base.Finding("error", "none [here]", "one", "buy one")), ("disk", base.Finding("ok", "much"))])
    Console(width=60).print(table)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "gpu     error   none [here]" in lines
    assert "fix: buy one" in lines
