"""Each section of `docs/extending.md`, applied to a copy of the project: it works, and nothing else had to change."""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest
from fixtures.extending import apply, inserted, sections

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.scratch_checkout import ScratchCheckout

SECTIONS = sections()


@pytest.fixture
def servers(s3_server, mlflow_server, tmp_path) -> dict[str, str]:
    """Variables that lead Python in the copy to real servers, and to the fixtures of the copy's tests."""
    return {
        "PYTHONPATH": f"{tmp_path / 'checkout'}:{tmp_path / 'checkout' / 'tests'}",
        "TRAINSHED_STATE": str(tmp_path / "state"),
        "TRAINSHED_STORE": f"s3://{s3_server.bucket}/{tmp_path.name}",
        "TRAINSHED_S3_ENDPOINT": s3_server.endpoint,
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
        "MLFLOW_TRACKING_URI": mlflow_server.uri,
    }


@pytest.fixture
def extended(request: pytest.FixtureRequest, scratch_checkout: ScratchCheckout) -> ScratchCheckout:
    """A copy of the project with the section of the page that the test names."""
    section = SECTIONS[request.param]
    apply(section, scratch_checkout)
    changed = scratch_checkout.changed()
    named = {edit.path for edit in section.edits}
    generated = {path for path in changed for pattern in section.generated if fnmatch(path, pattern)}
    assert changed == named | generated
    assert all(any(fnmatch(path, pattern) for path in generated) for pattern in section.generated)
    python = sorted(path for path in named if path.endswith(".py"))
    for check in (["format", "--check"], ["check"]):
        if python:
            scratch_checkout.run(sys.executable, "-m", "ruff", *check, "--no-cache", *python)
    return scratch_checkout


def section(title: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("extended", [title], indirect=True, ids=[title.replace(" ", "-").lower()])


def test_every_section_is_tried() -> None:
    marks = [mark for test in globals().values() for mark in getattr(test, "pytestmark", ())]
    tried = {mark.args[1][0] for mark in marks if mark.args[0] == "extended"}
    assert tried == SECTIONS.keys()


@pytest.mark.parametrize(
    ("source", "place", "expected"),
    [
        ("A = 1\nT = {\n    'a': 1,\n}\nB = 2\n", "T", "A = 1\nT = {\n    'a': 1,\n    new\n}\nB = 2\n"),
        (
            "T = Table(\n    'kind',\n    {\n        'a': 1,\n    },\n)\nB = 2\n",
            "T",
            "T = Table(\n    'kind',\n    {\n        'a': 1,\n    new\n    },\n)\nB = 2\n",
        ),
        ("class C:\n    a: int\n\n\nB = 2\n", "C", "class C:\n    a: int\n    new\n\n\nB = 2\n"),
        ("def f():\n    return (\n        1\n    )\n", "f", "def f():\n    return (\n        1\n    )\n    new\n"),
    ],
)
def test_lines_are_added_at_the_end_of_a_place(source, place, expected) -> None:
    assert inserted(source, place, "    new\n") == expected


@section("A model to keep fresh")
def test_a_recipe_has_a_dag_and_a_row_in_the_readme(extended) -> None:
    assert "| `notes` | Titles of our notes. |" in (extended.folder / "README.md").read_text()
    code = "from pipeline.recipe import find_recipe; from pathlib import Path; print(find_recipe('notes', [Path('dags/recipes')]).name)"
    assert extended.python(code) == "notes\n"


INGEST = """
import sys
from pathlib import Path
from pipeline.corpus.ingest import ingest_corpus
from pipeline.corpus.read_corpus import read_documents
from pipeline.recipe import Data, Source, Split
from pipeline.reporter import SilentReporter
from pipeline.settings import Settings
from pipeline.sources import PINNERS
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.examples import WrittenExamples

class Texts(WrittenExamples):
    def finish(self, folder):
        return {}

folder = Path(sys.argv[1])
settings = Settings(state=folder / "state")
data = Data(source=Source(kind="fortune", path=str(folder)), split=Split(salt="x", held_out_groups=0))
pin = PINNERS.load(data.source.kind)(data.source, settings)
(folder / "corpus").mkdir()
counts = ingest_corpus(data, Texts(Summarization(kind="summarization")), pin, folder / "corpus", settings, SilentReporter())
print([item.name.rpartition("/")[2] for item in pin.items], counts["read"], counts["kept"])
print(any(document.text == "Saying number 7 is short.\\nIt has two lines." for document in read_documents(folder / "corpus", "train")))
"""


@section("A source")
def test_a_source_is_pinned_and_read(extended, tmp_path) -> None:
    sayings = [f"Saying number {number} is short.\nIt has two lines." for number in range(40)]
    (tmp_path / "sayings.fortune").write_text("\n%\n".join(sayings) + "\n%\n")
    (tmp_path / "other.txt").write_text("This file has another ending.")
    assert extended.python(INGEST, str(tmp_path)) == "['sayings.fortune'] 40 40\nTrue\n"


CLEAN = """
from fixtures.cleaned import cleaner
from pipeline.corpus.documents import Record
from pipeline.tasks.language_model.examples import Examples
from pipeline.tasks.language_model.section import LanguageModel

examples = Examples(LanguageModel(kind="language_model"))
one = cleaner({"kind": "shouting", "max_capitals": 0.3})
print([one.documents(Record(text), examples) for text in ("THIS IS A TEXT OF CAPITALS.",)])
print(len(one.documents(Record("This is a text of small letters."), examples)), one.report.filtered)
"""


@section("A cleaning block")
def test_a_cleaning_block_filters(extended) -> None:
    path = f"{extended.folder}:{extended.folder / 'tests'}"
    assert extended.python(CLEAN, PYTHONPATH=path) == "['shouting']\n1 {'shouting': [{'text': 'THIS IS A TEXT OF CAPITALS.'}]}\n"


CHECK = """
import sys
from pathlib import Path
from fixtures.corpora import write_corpus
from pipeline.corpora.facts import read_facts
from pipeline.corpora.rules import Looked, ask
from pipeline.recipe.data_checks import DataRule

texts = ("A text.", "Another text!", "A text that is cut")
folder = write_corpus(Path(sys.argv[1]), {"train": [("", text, None) for text in texts]})
found, = ask((DataRule(rule="cut_off", max=0.3),), Looked(folder, {}, read_facts(folder)))
print(found.met, found.value, found.limit)
"""


@section("A data check")
def test_a_data_check_looks_at_a_corpus(extended, tmp_path) -> None:
    path = f"{extended.folder}:{extended.folder / 'tests'}"
    assert extended.python(CHECK, str(tmp_path / "corpus"), PYTHONPATH=path) == "False 0.333 (1 of 3) at most 0.3\n"


TRAIN = """
import json
import sys
from pathlib import Path
from pipeline.corpus.read_corpus import read_documents
from pipeline.models.files import load_model
from pipeline.recipe import Finetuning, Tokenizer
from pipeline.recipe.recipe import check_recipe
from pipeline.reporter import SilentReporter
from pipeline.serving.answer import Answerer
from pipeline.tasks.parts import part
from pipeline.tokens.tokenize import tokenize_corpus
from pipeline.training.finetune import finetune_model
from pipeline.training.job import TrainingJob
import yaml

class NoCheckpoints:
    def newest(self):
        return None
    def save(self, step, folder):
        pass

corpus, folder, change = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
given = yaml.safe_load(Path("dags/recipes/pydocs.yaml").read_text()) | change
recipe = check_recipe({key: value for key, value in given.items() if key != "pretraining"}, "test")
for name in ("tokens", "model"):
    (folder / name).mkdir()
encode = part(recipe.task, "encode")
tokenize_corpus(corpus, Tokenizer(vocabulary=400, sentinels=10), encode, folder / "tokens", SilentReporter())
job = TrainingJob(folder / "tokens", recipe.model, folder / "model", "cpu", 1, SilentReporter(), NoCheckpoints())
finetune_model(job, Finetuning(steps=2, batch=4), part(recipe.task, "model"), recipe.task.model_dump(mode="json", exclude_none=True))
answerer = Answerer(load_model(folder / "model", "cpu"), 2)
print(type(answerer.loaded.model.core).__name__, answerer.loaded.info.task["kind"])
print(len(answerer.answer([{"text": "Opens the file.", "name": "a.b"}])["answer"]))
document = next(iter(read_documents(corpus, "train")))
print(encode.source(document).removesuffix(document.text), answerer.model._encode.source(document) == encode.source(document))
"""


@section("A model family")
def test_a_model_family_trains_and_answers(extended, tiny_corpus: Path, tmp_path) -> None:
    task = {"kind": "summarization", "max_source_tokens": 40, "max_target_tokens": 12}
    model = {"family": "capped_gpt2", "config": {"n_embd": 16, "n_layer": 1, "n_head": 2}, "context": 64}
    said = extended.python(TRAIN, str(tiny_corpus), str(tmp_path), json.dumps({"task": task, "model": model})).splitlines()
    assert said[:2] == ["CappedGpt2 summarization", "1"]
    assert "| `qwen-notes` |" in (extended.folder / "README.md").read_text()
    assert json.loads((extended.folder / "pipeline/families/families.json").read_text())["capped_gpt2"]["kind"] == "decoder"


@section("A task")
def test_a_task_trains_and_reads_what_it_was_trained_on(extended, tiny_corpus: Path, tmp_path) -> None:
    task = {"kind": "instructed", "instruction": "In short:", "max_source_tokens": 40, "max_target_tokens": 12}
    model = {"family": "t5", "config": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}, "context": 64}
    said = extended.python(TRAIN, str(tiny_corpus), str(tmp_path), json.dumps({"task": task, "model": model})).splitlines()
    assert said[:2] == ["T5ForConditionalGeneration instructed", "1"]
    assert said[2] == "In short: files return file:  True"


EVALUATE = """
import sys
from pathlib import Path
from components.evaluation.__main__ import predict
from pipeline.evaluation.evaluate import EvaluationJob, evaluate_model
from pipeline.tasks.summarization.scoring import make_scoring
from pipeline.tasks.summarization.section import Summarization
from pipeline.recipe import Evaluation, Gate
from pipeline.registry.gate import decide
from pipeline.registry.scores import read_scores
from pipeline.reporter import SilentReporter

corpus, model, output = map(Path, sys.argv[1:])
output.mkdir()
job = EvaluationJob(corpus, model, output, "cpu", 1, SilentReporter(), make_scoring(Summarization(kind="summarization")), predict)
evaluate_model(job, Evaluation(examples=20, resamples=100, metrics=("word_errors",)))
gate = Gate(metric="word_errors", beats=("lead",), min_examples=1, min_groups=1, min_distinct=0, threshold=1.0)
decision = decide(gate, read_scores(output), None)
print(decision.figures["word_errors"])
print(decision.reasons[0])
"""


@section("A metric")
def test_a_metric_is_in_the_report_and_decides(extended, tiny_corpus: Path, make_model: Callable[..., Path], tmp_path) -> None:
    report = tmp_path / "report"
    figure, reason = extended.python(EVALUATE, str(tiny_corpus), str(make_model()), str(report)).splitlines()
    systems = json.loads((report / "report.json").read_text())["splits"]["test"]["systems"]
    assert systems["model"]["word_errors"]["value"] == pytest.approx(float(figure))
    assert {"value", "low", "high", "model_ahead"} == systems["lead"]["word_errors"].keys()
    assert "<th>word error rate<small>lower is better</small></th>" in (report / "report.html").read_text()
    assert reason.endswith("(maximum 1.00)")


LAUNCH = """
import sys
from pathlib import Path
from fixtures.airflow_task import Run
from fixtures.line import small_recipe
from pipeline.artifacts import open_artifacts
from pipeline.doctor.run_check import run_check
from pipeline.orchestration.dag import line_dag
from pipeline.settings import load_settings

settings = load_settings()
recipe = small_recipe(Path(sys.argv[1]))
print(*[f"{found.state}: {found.got}" for found in run_check("launcher", settings)])
operators = {type(task) for task in line_dag(recipe, settings).tasks if task.task_id != "plan"}
print(*[operator.__name__ for operator in operators])
run = Run(recipe, "nice-1", settings)
reference = run.execute(run.operator(operators.pop(), "ingestion"))
print("ingested:", open_artifacts(settings).find("ingestion", reference["fingerprint"]) is not None)
"""


@section("A launcher")
def test_a_launcher_is_checked_and_runs_a_component(extended, servers, tmp_path) -> None:
    said = extended.python(LAUNCH, str(tmp_path), TRAINSHED_LAUNCHER="nice", **servers)
    assert "ok: nice: steps run as child processes with the lowest priority" in said
    assert "\nNiceOperator\n" in said
    assert "ingested: True\n" in said


INSPECT = """
import sys
from pathlib import Path
from fixtures.airflow_task import Run
from fixtures.line import small_recipe
from pipeline.artifacts import open_artifacts
from pipeline.launchers.process.operator import ProcessOperator
from pipeline.settings import load_settings

settings = load_settings()
run = Run(small_recipe(Path(sys.argv[1])), "inspection-1", settings)
found = {}
for step in ("ingestion", "inspection"):
    operator = run.operator(ProcessOperator, step)
    reference = run.execute(operator)
    run.xcoms[step, "return_value"] = reference
    found[step] = open_artifacts(settings).find(step, reference["fingerprint"]).counts
print(found["ingestion"]["train"] == found["inspection"]["documents"] > 0)
"""


@section("A component")
def test_a_component_is_a_step_of_the_line_and_runs(extended, servers, tmp_path) -> None:
    assert extended.python(INSPECT, str(tmp_path), **servers).endswith("True\n")
    assert "| `inspection` | Count the documents of a corpus. | corpus → report |" in (extended.folder / "README.md").read_text()


DECIDE = """
from pipeline.metrics.base import means
from pipeline.recipe import Gate
from pipeline.registry.gate import decide
from pipeline.registry.scores import Contaminated, Scores

def scores(values):
    ids = tuple(str(i) for i in range(len(values)))
    return Scores("same", ids, ("",) * len(values), {"model": {"rougeL": means(values)}}, "rougeL", (), None, contamination=Contaminated(len(values), 0, 0))

champion, challenger = scores([20.0] * 10), scores([19.0] * 6 + [40.0] * 4)
for share in (0.3, 0.5):
    print(decide(Gate(min_wins=share, min_examples=1, confidence=0.6), challenger, champion))
"""


@section("A promotion rule")
def test_a_promotion_rule_refuses(extended) -> None:
    met, failed = extended.python(DECIDE).splitlines()
    assert "promote=True" in met
    assert "promote=False" in failed
    assert "better on 40% of the examples (minimum 50%)" in failed


SCHEDULE = """
from pathlib import Path
from pipeline.errors import BadInput
from pipeline.orchestration.dag import line_dag
from pipeline.recipe.recipe import check_recipe
from pipeline.settings import Settings
import yaml

data = yaml.safe_load(Path("dags/recipes/pydocs.yaml").read_text())
print(repr(line_dag(check_recipe({**data, "schedule": {"every_h": 6}}, "pydocs"), Settings()).schedule))
try:
    check_recipe({**data, "schedule": {"every_h": 6, "cron": "@daily"}}, "pydocs")
except BadInput as error:
    print(error)
"""


@section("A kind of schedule")
def test_a_schedule_reaches_the_dag_and_excludes_the_others(extended, tmp_path) -> None:
    schedule, refusal = extended.python(SCHEDULE, AIRFLOW_HOME=str(tmp_path / "airflow")).splitlines()[-2:]
    assert schedule.startswith("DeltaTriggerTimetable(")
    assert "seconds=21600" in schedule
    assert "schedule has both cron and every_h; expected one of them" in refusal


@section("A command")
def test_a_command_answers(extended) -> None:
    assert "qwen3: decoder\n" in extended.trainshed("families")
    assert "List the families of models" in extended.trainshed("--help")
