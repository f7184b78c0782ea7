"""`trainshed compile`: output to a file or to standard output, and one line for each error."""

from pathlib import Path

import pytest
import yaml
from fixtures.airflow_home import RECIPE

from pipeline import cli


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path / "state"))


def test_it_goes_to_standard_output_or_into_a_file(tmp_path: Path, capsys) -> None:
    assert cli.run(["compile", "pydocs", "--to", "kfp"]) == 0
    shown = capsys.readouterr().out
    assert cli.run(["compile", "pydocs", "--to", "kfp", "--output", str(tmp_path / "pydocs.yaml")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "pydocs.yaml").read_text() == shown
    assert [document.keys() >= {"root"} for document in yaml.safe_load_all(shown)] == [True, False]


def test_a_change_is_part_of_the_compiled_recipe(capsys) -> None:
    assert cli.run(["compile", "pydocs", "--to", "kfp", "--set", "finetuning.learning_rate=1e-3"]) == 0
    assert '"learning_rate":0.001' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["pydocs", "--to", "kpf"], "unknown target 'kpf'; expected one of: kfp; fix: did you mean 'kfp'?"),
        (["pydoc", "--to", "kfp"], "unknown recipe 'pydoc'"),
        (["pydocs"], "Missing option '--to'"),
        (["pydocs", "--to", "kfp", "--set", "finetuning.stesp=1"], "did you mean 'finetuning.steps'?"),
        (["pydocs", "--to", "kfp", "--set", "resources.finetuning=gpu-8x2"], "machine size 'gpu-8x2' is 2 nodes"),
        (["pydocs", "--to", "kfp", "--output", "{tmp}/none/x.yaml"], "x.yaml: No such file or directory"),
        (["pydocs", "--to", "kfp", "--output", "{tmp}"], "Is a directory"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(typed, told, tmp_path, capsys) -> None:
    assert cli.run(["compile", *(word.format(tmp=tmp_path) for word in typed)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err


def test_a_recipe_with_partitions_is_compiled_for_one(tmp_path, capsys) -> None:
    path = tmp_path / "first.yaml"
    path.write_text(RECIPE.format(name="first").replace("/data/*.jsonl", '"/data/{partition}", partitions: {by: week}'))
    typed = ["compile", str(path), "--to", "kfp"]
    assert cli.run([*typed, "--partition", "2026-11-24"]) == 0
    assert '"partition":"2026-11-23"' in capsys.readouterr().out
    assert cli.run(typed) == 2
    assert capsys.readouterr().err == "trainshed: recipe first has partitions, and a compiled pipeline reads one; fix: say --partition\n"
