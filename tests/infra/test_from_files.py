"""Secrets from files: the command gets variables, but not the paths of the files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "infra" / "images" / "from-files.sh"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *command], env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, check=False)


def test_a_variable_holds_what_its_file_holds(tmp_path) -> None:
    (tmp_path / "a").write_text("se'cr\"et $HOME with spaces")
    (tmp_path / "b").write_text("other\n")
    files = {"FROM_FILE_AWS_SECRET_ACCESS_KEY": str(tmp_path / "a"), "FROM_FILE_S3": str(tmp_path / "b")}
    done = run("env", "-0", KEPT="as it is", AIRFLOW__X__POD_TEMPLATE_FILE="/no/secret", **files)
    found = dict(row.split("=", 1) for row in done.stdout.rstrip("\0").split("\0"))
    assert found["AWS_SECRET_ACCESS_KEY"] == "se'cr\"et $HOME with spaces"
    assert found["S3"] == "other"
    assert (found["KEPT"], found["AIRFLOW__X__POD_TEMPLATE_FILE"]) == ("as it is", "/no/secret")
    assert not [name for name in found if name.startswith("FROM_FILE_")]


def test_the_command_runs_unchanged() -> None:
    assert run("printf", "%s|", "two words", "*", "").stdout == "two words|*||"
    assert run("sh", "-c", "exit 75").returncode == 75


def test_a_file_that_cannot_be_read_is_one_line(tmp_path) -> None:
    done = run("true", FROM_FILE_KEY=str(tmp_path / "none"))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "FROM_FILE_KEY" in done.stderr
    assert "fix:" in done.stderr
