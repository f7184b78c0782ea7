"""A packaged model answers like evaluation does, also where this project is not installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.foreign import foreign_environment

from pipeline.families.kinds import Head
from pipeline.models.build import HeadSpec
from pipeline.serving.answer import Answerer
from pipeline.serving.package import copy_sources, package_model, pinned_requirements

ASK = """
import json, sys
try:
    import pipeline
    present = True
except ImportError:
    present = False
import mlflow.pyfunc, pandas
questions, *places = [json.loads(part) for part in sys.argv[1:]]
models = [mlflow.pyfunc.load_model(place) for place in places]
answers = [model.predict(pandas.DataFrame(questions)).to_dict("list") for model in models]
unnamed = models[0].predict(pandas.DataFrame([{"text": row["text"]} for row in questions])).to_dict("list")
json.dump({"present": present, "answers": answers, "unnamed": unnamed}, sys.stdout)
"""


MODELS = {
    "t5_copy": (None, None),
    "gpt2": (None, None),
    "bert": (
        {"kind": "classification", "max_tokens": 40},
        HeadSpec(Head.SEQUENCE_CLASSIFICATION, ("carts", "files"), "single_label_classification", mean_pooling=True),
    ),
}
"""Family → task and head; without them it writes summaries."""


@pytest.fixture(scope="session")
def packaged(make_model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Family → model folder and MLflow model."""
    made = {}
    for family, (task, head) in MODELS.items():
        model, place = make_model(family, task=task, head=head), tmp_path_factory.mktemp("packaged")
        (place / "sources").mkdir()
        made[family] = (model, package_model(model, place / "mlflow", place / "sources", {"trainshed.model.digest": "d"}, {}))
    return made


def ask(python: Path, packages: list[Path], questions: list[dict[str, str | None]], cwd: Path) -> dict[str, object]:
    command = [str(python), "-c", ASK, json.dumps(questions), *(json.dumps(str(package)) for package in packages)]
    done = subprocess.run(command, cwd=cwd, env=foreign_environment(python), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_it_answers_where_the_project_is_not_installed(packaged, foreign_python, questions, tmp_path) -> None:
    found = ask(foreign_python, [package for _, package in packaged.values()], questions, tmp_path)
    assert found["present"] is False
    for (model, _), answers in zip(packaged.values(), found["answers"], strict=True):
        expected = dict(Answerer.load(model).answer(questions))
        assert list(answers) == list(expected)
        for name, values in expected.items():
            assert answers[name] == (values if isinstance(values[0], str) else [pytest.approx(value, rel=1e-5) for value in values])
    assert len(set(found["answers"][0]["answer"])) > 1
    assert found["unnamed"] == Answerer.load(packaged["t5_copy"][0]).answer([{"text": row["text"]} for row in questions])


def test_it_answers_where_another_package_has_the_projects_name(packaged, questions, tmp_path) -> None:
    model, package = packaged["t5_copy"]
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("")
    found = ask(Path(sys.executable), [package], questions, tmp_path)
    assert found["present"] is True
    assert found["answers"] == [dict(Answerer.load(model).answer(questions))]


def test_only_a_kept_adapter_needs_peft(packaged) -> None:
    assert all("peft" not in (package / "requirements.txt").read_text() for _, package in packaged.values())


def test_nothing_in_the_package_can_run_code_when_it_is_read(packaged) -> None:
    _, package = packaged["t5_copy"]
    kinds = {path.suffix for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert kinds <= {".py", ".safetensors", ".json", ".yaml", ".txt", ""}
    assert next(path.name for path in (package / "code").iterdir()).startswith("trainshed_serving_")


def test_requirements_are_pinned_and_installable_from_an_index() -> None:
    rows = pinned_requirements({"transformers": "9.9.9"})
    assert all(row.count("==") == 1 and "+" not in row for row in rows)
    assert {row.partition("==")[0] for row in rows} >= {"mlflow", "torch", "transformers", "tokenizers", "safetensors"}
    assert "transformers==9.9.9" in rows, "the version the model was made with goes before the one here"


def test_a_kept_adapter_answers_where_the_project_is_not_installed(make_model, foreign_python, questions, tiny_tokenizer, tmp_path) -> None:
    import torch

    from pipeline.models.files import load_model, save_model
    from pipeline.recipe.training import Finetuning, Lora
    from pipeline.training.trainable import choose_trainable

    base, kept = make_model("gpt2"), tmp_path / "kept"
    loaded = load_model(base)
    choose_trainable(loaded.model, Finetuning(steps=1, lora=Lora(rank=2, keep="adapter")))
    for name, weight in loaded.model.named_weights().items():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    save_model(loaded.model, kept, loaded.info, tokenizer=tiny_tokenizer, base=base)
    (tmp_path / "sources").mkdir()
    package = package_model(kept, tmp_path / "mlflow", tmp_path / "sources", {}, {"peft": "9.9"})
    (answers,) = ask(foreign_python, [package], questions, tmp_path)["answers"]
    assert answers == dict(Answerer.load(kept).answer(questions))
    assert answers != dict(Answerer.load(base).answer(questions))
    assert "peft==9.9" in (package / "requirements.txt").read_text()


def test_a_model_of_cleaned_texts_cleans_requests_where_the_project_is_not_installed(packaged, foreign_python, tmp_path) -> None:
    model, plain = packaged["t5_copy"]
    kept = shutil.copytree(model, tmp_path / "kept")
    info = json.loads((kept / "trainshed.json").read_bytes())
    info["cleaning"] = {"whitespace": "auto", "blocks": [{"kind": "encoding"}, {"kind": "private", "action": "mask"}]}
    (kept / "trainshed.json").write_text(json.dumps(info))
    (tmp_path / "sources").mkdir()
    package = package_model(kept, tmp_path / "mlflow", tmp_path / "sources", {}, {})
    asked = [{"text": "Opens the cafÃ© of ada@example.org.", "name": "a"}]
    cleaned = [{"text": "Opens the café of <email>.", "name": "a"}]
    assert ask(foreign_python, [package], asked, tmp_path)["answers"] == ask(foreign_python, [plain], cleaned, tmp_path)["answers"]
    assert "ftfy==" in (package / "requirements.txt").read_text()
    assert "ftfy==" not in (plain / "requirements.txt").read_text()


def test_copied_sources_never_name_the_project(tmp_path) -> None:
    package = copy_sources(tmp_path)
    for path in [*package.rglob("*.py"), tmp_path / "pyfunc.py"]:
        lines = [line for line in path.read_text().splitlines() if line.lstrip().startswith(("import ", "from ")) or '": "' in line]
        assert not [line for line in lines if "pipeline." in line or " pipeline " in line], path
    second = tmp_path / "again"
    second.mkdir()
    assert copy_sources(second).name == package.name
