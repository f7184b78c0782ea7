"""``trainshed artifacts``: its output, its errors, and what it says of damage."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.manifest import Manifest, Parts, Provenance, blob_key

NOW = datetime.now(UTC)


@pytest.fixture
def artifacts(folder_settings, monkeypatch) -> Artifacts:
    monkeypatch.setenv("TRAINSHED_STORE", folder_settings.store)
    monkeypatch.setenv("TRAINSHED_STATE", str(folder_settings.state))
    return open_artifacts(folder_settings)


@pytest.fixture
def corpus(artifacts: Artifacts, tmp_path: Path) -> Manifest:
    folder = tmp_path / "made"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "0").write_text("text")
    (folder / "counts").write_text("1")
    parts = Parts(component="ingestion", version=1, params={}, inputs={}, modules={}, libraries={})
    provenance = Provenance(code_version="x", run="a-run", started=NOW, finished=NOW)
    return artifacts.commit(Draft(type="corpus", stage="ingestion", parts=parts, inputs={}, provenance=provenance), folder)


def trainshed(*words: str) -> int:
    return cli.run(["artifacts", *words])


def test_what_is_stored_is_listed_and_shown(corpus: Manifest, capsys) -> None:
    assert trainshed("ls") == 0
    listed = capsys.readouterr().out
    assert corpus.fingerprint[:12] in listed
    assert listed.count("\n") == 2  # one artifact is one line, however long, where there is no terminal
    assert trainshed("show", "ingestion", corpus.fingerprint[:8]) == 0
    assert Manifest.model_validate_json(capsys.readouterr().out) == corpus


def test_files_are_fetched_whole_and_may_be_changed(corpus: Manifest, artifacts: Artifacts, tmp_path: Path, capsys) -> None:
    target = tmp_path / "fetched"
    assert trainshed("get", "ingestion", corpus.fingerprint[:8], str(target)) == 0
    assert (target / "train" / "0").read_text() == "text"
    (target / "counts").unlink()
    (target / "counts").write_text("mine")
    assert artifacts.find_damage(corpus.files) == []
    assert sorted(path.name for path in tmp_path.glob(".*")) == []
    assert trainshed("get", "ingestion", corpus.fingerprint[:8], str(target)) == 2
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "ingestions", "0"), "did you mean 'ingestion'?"),
        (("show", "ingestion", "zz"), "0 artifacts of ingestion start with 'zz'"),
        (("verify", "tokenization"), "no artifacts of tokenization"),
        (("verify", "tokenisation"), "did you mean 'tokenization'?"),
        (("ls", "tokenisation"), "did you mean 'tokenization'?"),
    ],
)
def test_a_mistake_is_one_line(corpus: Manifest, capsys, words: tuple[str, ...], told: str) -> None:
    assert trainshed(*words) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_verify_tells_which_file_is_damaged(corpus: Manifest, artifacts: Artifacts, tmp_path: Path, capsys) -> None:
    assert trainshed("verify") == 0
    assert "1 artifacts are intact" in capsys.readouterr().out
    artifacts.store.put(blob_key(corpus.files[0].sha256), b"2")
    assert trainshed("verify") == 75
    assert "damaged: ingestion" in (out := capsys.readouterr().out)
    assert "counts" in out
    assert [damage.entry.path for damage in artifacts.missing(corpus)] == ["counts"]


def test_a_file_that_is_damaged_leaves_no_folder(corpus: Manifest, artifacts: Artifacts, tmp_path: Path) -> None:
    artifacts.store.put(blob_key(corpus.files[0].sha256), b"2")
    assert trainshed("get", "ingestion", corpus.fingerprint[:8], str(tmp_path / "fetched")) == 75
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "state", "store"]


def test_gc_deletes_only_with_delete(artifacts: Artifacts, corpus: Manifest, capsys) -> None:
    assert trainshed("gc") == 0
    assert "0 objects (0 bytes) are unused; 4 are in use" in capsys.readouterr().out
    assert trainshed("gc", "--delete") == 0
    assert artifacts.missing(corpus) == []
