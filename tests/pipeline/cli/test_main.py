"""The command line's ends: one line and a code for a mistake, light to start, every group wired."""

import subprocess
import sys

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
    assert "nothing was running" in capsys.readouterr().out


def test_an_unknown_command_is_code_2_with_the_near_one(capsys):
    assert cli.run(["stats"]) == 2
    assert "status" in capsys.readouterr().err


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, None), (ZeroDivisionError, None)])
def test_ctrl_c_is_130_and_a_bug_keeps_its_traceback(monkeypatch, raised, code):
    def fail(*_):
        raise raised

    monkeypatch.setattr(stack, "status", fail)
    if raised is ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            cli.run(["status"])
    elif code is not None:
        assert cli.run(["status"]) == code


def test_help_lists_every_command_and_imports_nothing_heavy():
    program = (
        "import sys; from pipeline import cli; code = cli.run(['--help'])\n"
        "print(sorted({'airflow', 'boto3', 'mlflow', 'torch', 'numpy', 'pandas', 'pyarrow'} & sys.modules.keys()), code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[] 0\n")
    for command in (command for commands in cli.GROUPS.values() for command in commands):
        assert f"  {command} " in done.stdout
