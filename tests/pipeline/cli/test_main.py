"""The command line as a whole: errors and exit codes, light imports, every group of commands."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.stack import stack


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path / "state"))


def test_a_mistake_is_one_line_on_standard_error_and_code_2(capsys):
    assert cli.run(["logs", "airflow-apis"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "did you mean 'airflow-api'?" in err


def test_a_wrong_setting_names_its_variable(monkeypatch, capsys):
    monkeypatch.setenv("TRAINSHED_S3_PORT", "many")
    assert cli.run(["status"]) == 2
    assert "TRAINSHED_S3_PORT = 'many'" in capsys.readouterr().err
    monkeypatch.delenv("TRAINSHED_S3_PORT")
    monkeypatch.setenv("TRAINSHED_USE_EXISTING", "s3,minio")
    assert cli.run(["up"]) == 2
    assert "TRAINSHED_USE_EXISTING names minio" in capsys.readouterr().err


def test_a_stopped_stack_ends_with_75_and_down_is_content(capsys):
    assert cli.run(["status"]) == 75
    assert "stopped" in capsys.readouterr().out
    assert cli.run(["down"]) == 0
    assert "nothing is running" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "got", "fix"),
    [
        (["rnu"], "No such command 'rnu'", "did you mean 'run'?"),
        (["artifacts", "lst"], "No such command 'lst'", "did you mean 'ls'?"),
        (["run"], "Missing argument 'RECIPE'", "see `trainshed run --help`"),
        (["run", "--locl", "pydocs"], "No such option: --locl", "see `trainshed run --help`"),
        (["up", "now"], "Got unexpected extra argument(s) (now)", "see `trainshed up --help`"),
    ],
)
def test_what_is_mistyped_is_one_line_and_code_2(typed, got, fix, capsys):
    assert cli.run(typed) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"trainshed: {got}")
    assert err.endswith(f"; fix: {fix}\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("typed", [[], ["artifacts"]])
def test_nothing_typed_is_answered_with_the_help(typed, capsys):
    assert cli.run(typed) == 2
    assert "Commands:\n" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error():
    """`trainshed --help | true`: the pipe has no reader from the start, so that writing to it fails however short the text."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_one_line_and_75():
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "--help"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 75
    assert done.stderr.startswith("trainshed: disk full; fix: free disk space")
    assert done.stderr.count("\n") == 1


def test_a_state_folder_that_may_not_be_written_is_one_line_and_2(monkeypatch, capsys):
    def fail(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "/state/file_cache")

    monkeypatch.setattr(stack, "status", fail)
    assert cli.run(["status"]) == 2
    assert capsys.readouterr().err.startswith("trainshed: permission denied: /state/file_cache; fix: ")


def test_ctrl_c_while_the_stack_starts_is_one_line(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(stack, "up", interrupted)
    assert cli.run(["up"]) == 130
    err = capsys.readouterr().err
    assert "interrupted; the started servers are stopped again; fix: run `trainshed up` again\n" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt, 130), (ZeroDivisionError, None)])
def test_ctrl_c_is_130_and_a_bug_keeps_its_traceback(monkeypatch, capsys, raised, code):
    def fail(*_):
        raise raised

    monkeypatch.setattr(stack, "status", fail)
    if raised is ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            cli.run(["status"])
    else:
        assert cli.run(["status"]) == code
        assert capsys.readouterr().err == "trainshed: interrupted\n"


def test_help_lists_every_command_and_imports_nothing_heavy():
    program = (
        "import sys; from pipeline import cli; code = cli.run(['--help'])\n"
        "print(sorted({'airflow', 'boto3', 'mlflow', 'torch', 'numpy', 'pandas', 'pyarrow'} & sys.modules.keys()), code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[] 0\n")
    for command in (command for commands in cli.GROUPS.values() for command in commands):
        assert f"  {command} " in done.stdout
