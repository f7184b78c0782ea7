"""What a container of a pipeline runs: started as kfp would start it, on a real store and a real MLflow."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from fixtures.line import Line

from pipeline.artifacts import open_store
from pipeline.artifacts.gc import Ages, find_garbage
from pipeline.artifacts.manifest import Reference
from pipeline.errors import BadInput
from pipeline.kfp.end import mlflow_status
from pipeline.kfp.identity import identity_of
from pipeline.kfp.step import parse_given, write_output
from pipeline.lines import trace
from pipeline.recipe.overrides import override
from pipeline.runs.records import reference_key, request_key

REFERENCE = {"type": "corpus", "stage": "ingestion", "fingerprint": "f" * 64, "digest": "d" * 64}


def command(line: Line, step_id: str, output: Path, given: Mapping[str, str] | None = None, **changes: str) -> list[str]:
    step = next(step for step in trace(line.recipe) if step.id == step_id)
    words = {
        "step": step_id,
        "run": "by-kfp",
        "recipe": line.recipe.model_dump_json(exclude_none=True),
        "identity": identity_of(step),
        "output": str(output),
        **changes,
    }
    told = [word for origin, reference in (given or {}).items() for word in ("--given", f"{origin}={reference}")]
    return [sys.executable, "-m", "pipeline.kfp.step", *(word for name, value in words.items() for word in (f"--{name}", value)), *told]


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_a_miss_is_made_a_hit_is_handed_on_and_nothing_to_work_on_is_left_out(make_line, tmp_path: Path) -> None:
    line, output = make_line(), tmp_path / "outputs" / "task" / "reference"
    done = ran(*command(line, "ingestion", output))
    assert done.returncode == 0, done.stdout + done.stderr
    made = Reference.model_validate_json(output.read_text())
    assert line.artifacts.find("ingestion", made.fingerprint).digest == made.digest
    assert json.loads(line.artifacts.store.get(request_key("by-kfp", "ingestion")).data)["fingerprint"] == made.fingerprint
    assert output.read_text() not in done.stdout  # a reference is for kfp, not for a log

    again = ran(*command(line, "ingestion", output))
    assert again.stdout.splitlines() == [f"artifact {made.fingerprint[:12]} exists already"]
    assert Reference.model_validate_json(output.read_text()) == made
    # the run relies on it from now on, however old it is
    assert Reference.model_validate_json(line.artifacts.store.get(reference_key("by-kfp", "ingestion")).data) == made
    assert find_garbage(line.artifacts, Ages()).keys == []

    absent = tmp_path / "outputs" / "champion" / "reference"
    done = ran(*command(line, "champion_evaluation", absent, {"ingestion": output.read_text()}))
    assert (done.returncode, done.stdout) == (0, "not part of this run\n"), done.stderr
    assert absent.read_text() == ""


def test_an_image_that_is_not_what_was_compiled_is_refused_before_anything_is_written(make_line, tmp_path: Path) -> None:
    line = make_line()
    done = ran(*command(line, "ingestion", tmp_path / "reference", identity="0" * 64))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "expected 000000000000, as compiled; fix: rebuild the image, or compile the pipeline again" in done.stderr
    assert list(line.artifacts.store.list("")) == []
    assert not (tmp_path / "reference").exists()


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"step": "ingestoin"}, 2, "did you mean 'ingestion'?"),
        ({"recipe": "{"}, 2, "compile the pipeline again"),
        ({"recipe": '{"nmae": "x"}'}, 2, "did you mean 'name'?"),
    ],
)
def test_a_mistake_is_one_line(make_line, tmp_path: Path, changes: dict[str, str], code: int, told: str) -> None:
    done = ran(*command(make_line(), "ingestion", tmp_path / "reference", **changes))
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert told in done.stderr


def test_a_source_that_is_missing_is_bad_input(make_line, tmp_path: Path) -> None:
    line = make_line()
    Path(line.recipe.data.source.path).unlink()
    done = ran(*command(line, "ingestion", tmp_path / "reference"))
    assert done.returncode == 2
    assert "rows.jsonl" in done.stderr


def test_sigterm_reaches_the_component_which_ends_with_75(make_line, tmp_path: Path) -> None:
    """A component that was told to stop has checkpointed: the next attempt goes on from there."""
    line = make_line()
    # far more steps than are ever made: it ends because it is told to
    line.recipe = override(line.recipe, {"pretraining.steps": 100_000})
    given: dict[str, str] = {}
    for step in ("ingestion", "tokenization"):
        done = ran(*command(line, step, tmp_path / step, given))
        assert done.returncode == 0, done.stderr
        given[step] = (tmp_path / step).read_text()
    words = command(line, "pretraining", tmp_path / "reference", {"tokenization": given["tokenization"]})
    told = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for said in process.stdout:
            told.append(said)
            if "checkpoint committed" in said:
                process.send_signal(signal.SIGTERM)
                break
        told += process.stdout.readlines()
    assert process.returncode == 75, told
    assert any("told to stop: SIGTERM" in said for said in told), told
    assert list(line.artifacts.store.list("training/"))
    assert not (tmp_path / "reference").exists()


def test_sigterm_before_the_component_begins_ends_it_at_once(make_line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = make_line()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes a connection and never answers
        monkeypatch.setenv("TRAINSHED_S3_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        words = command(line, "ingestion", tmp_path / "reference")
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process, silent.accept()[0]:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 75
            assert process.stderr.read() == "asked to stop before the component started\n"


def test_a_reference_is_read_as_it_was_written(tmp_path: Path) -> None:
    reference = Reference.model_validate(REFERENCE)
    write_output(reference, tmp_path / "a" / "b")
    write_output(None, tmp_path / "a" / "c")
    given = [f"ingestion={(tmp_path / 'a' / 'b').read_text()}", f"champion_evaluation={(tmp_path / 'a' / 'c').read_text()}"]
    assert parse_given(given) == {"ingestion": reference, "champion_evaluation": None}
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b", "c"]
    with pytest.raises(BadInput, match="the reference that this step wrote"):
        parse_given(["ingestion=corpus"])
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="make the pipeline root writable"):
        write_output(reference, tmp_path / "file" / "reference")


def test_the_line_ended_well_if_its_last_step_handed_something_on(folder_settings) -> None:
    store = open_store(folder_settings)
    store.put(reference_key("this", "finetuning"), b"{}")
    store.put(reference_key("another", "registration"), b"{}")
    assert mlflow_status("this", "registration", folder_settings) == "FAILED"
    store.put(reference_key("this", "registration"), b"{}")
    assert mlflow_status("this", "registration", folder_settings) == "FINISHED"
