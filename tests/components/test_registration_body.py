"""The body of registration on a real MLflow server: version, decision, aliases, whatever happens in between."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.foreign import foreign_environment
from fixtures.mlflow import free_port, wait_for
from fixtures.scores import write_scores
from safetensors.numpy import load_file, save_file

from components.registration import __main__ as body
from components.registration.contract import RegistrationParams
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.manifest import Manifest, Parts, Provenance
from pipeline.errors import BadInput, Outdated
from pipeline.recipe.gate import Gate, Registration
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.registration_status import Registered, check_registration
from pipeline.registry.versions import read_aliases
from pipeline.reporter import SilentReporter
from pipeline.runs.request import Request
from pipeline.runtime import Opened, Work
from pipeline.serving.answer import Answerer
from pipeline.settings import Settings
from pipeline.tracking import MlflowServer, step_run
from pipeline.tracking.runs import parent_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GATE = Gate(threshold=18.0, min_examples=40, min_distinct=0.5)
COUNT = 50


class PowerCut(Exception):
    """The process dies here."""


@dataclass
class Stage:
    """Artifacts of one store, one registered model, and a way to run the body on them."""

    settings: Settings
    make_model: Callable[..., Path]
    tmp: Path
    code: str = "code of the gate"
    name: str = field(default_factory=lambda: f"m-{uuid.uuid4().hex[:12]}")

    def __post_init__(self) -> None:
        self.artifacts = open_artifacts(self.settings)
        self.server = MlflowServer(self.settings)
        self.ledger = Ledger(self.artifacts.store, self.name)

    def commit(self, kind: str, stage: str, folder: Path, inputs: dict[str, Manifest], **params: Any) -> Manifest:
        digests = {name: manifest.digest for name, manifest in inputs.items()}
        parts = Parts(component=stage, version=1, params=params, inputs=digests, modules={}, libraries={})
        draft = Draft(
            type=kind,
            stage=stage,
            parts=parts,
            inputs={name: manifest.reference for name, manifest in inputs.items()},
            counts={},
            metrics={},
            provenance=Provenance(code_version="c0de", run="made-by", started=NOW, finished=NOW),
        )
        return self.artifacts.commit(draft, folder)

    def model(self, seed: int) -> Manifest:
        return self.commit("model", "finetuning", self.make_model(seed=seed), {}, seed=seed)

    def report(self, model: Manifest, level: float, *, distinct: float = 1.0, examples: str = "same") -> Manifest:
        folder = self.tmp / f"report-{model.digest[:8]}-{level}-{distinct}-{examples}"
        folder.mkdir(exist_ok=True)
        levels = {"model": level, "lead": 16.0, "most_frequent": 5.0}
        values = {name: [value + index % 5 - 2 for index in range(COUNT)] for name, value in levels.items()}
        write_scores(folder, values, distinct=distinct, examples=examples)
        return self.commit("report", "evaluation", folder, {"model": model}, level=level, distinct=distinct)

    def run(self, model: Manifest, report: Manifest, rival: Manifest | None = None, gate: Gate = GATE) -> dict[str, Any]:
        params = RegistrationParams(registration=Registration(model=self.name, gate=gate))
        given = {"model": model, "report": report} | ({"champion_report": rival} if rival else {})
        attempt = self.tmp / uuid.uuid4().hex
        inputs = {name: Opened(self.artifacts.open(manifest, attempt / name), manifest) for name, manifest in given.items()}
        (attempt / "output").mkdir()
        request = Request(
            run="run-1",
            recipe="registration-tests",
            step="registration",
            stage="registration",
            params=params.model_dump(mode="json"),
            inputs={name: manifest.reference for name, manifest in given.items()},
            fingerprint=self.fingerprint(model, report, gate),
        )
        tracking = step_run(self.settings, request.recipe, self.name, request.step)
        parts = Parts(component="registration", version=1, params={}, inputs={}, modules={}, libraries={})
        body.register(Work(request, params, inputs, attempt / "output", SilentReporter(), self.settings, self.artifacts, parts, tracking))
        return json.loads((attempt / "output" / "decision.json").read_text())

    def fingerprint(self, model: Manifest, report: Manifest, gate: Gate = GATE) -> str:
        return f"{self.code} {gate.model_dump_json()} {model.digest} {report.digest}"

    def versions(self) -> list[dict[str, Any]]:
        rows = self.server.call("GET", "model-versions/search", {"filter": f"name='{self.name}'"}).get("model_versions", [])
        return sorted(rows, key=lambda row: int(row["version"]))

    def aliases(self) -> dict[str, int]:
        return read_aliases(self.server, self.name)

    def is_current(self, model: Manifest, report: Manifest, champion_report: Manifest | None = None) -> bool:
        digest = champion_report.digest if champion_report else None
        wanted = Registered(self.name, model.reference, self.fingerprint(model, report), digest)
        return check_registration(self.server, self.artifacts.store, wanted, repair=True).current


@pytest.fixture
def stage(mlflow_server, make_model, tmp_path, monkeypatch) -> Stage:
    """Packages are a single small file here: building real ones takes a second each, and has tests of its own."""

    def fake(model: Path, output: Path, scratch: Path, metadata: dict[str, str], trained_with: dict[str, str]) -> Path:
        output.mkdir()
        (output / "MLmodel").write_text("flavors: {}\n")
        return output

    monkeypatch.setattr(body, "package_model", fake)
    return plain_stage(mlflow_server, make_model, tmp_path)


def plain_stage(mlflow_server, make_model, tmp_path) -> Stage:
    settings = Settings(state=tmp_path / "state", store=f"file://{tmp_path}/store", mlflow_uri=mlflow_server.uri, mlflow_retry_s=5)
    return Stage(settings, make_model, tmp_path)


def test_a_first_model_that_meets_the_gate_becomes_champion(stage: Stage) -> None:
    model = stage.model(1)
    report = stage.report(model, 25.0)
    decision = stage.run(model, report)
    assert decision["decision"] == "promoted"
    assert stage.aliases() == {"champion": 1, "challenger": 1}
    tags = {tag["key"]: tag["value"] for tag in stage.versions()[0]["tags"]}
    assert tags["trainshed.model.digest"] == model.digest
    assert tags["trainshed.model.fingerprint"] == model.fingerprint
    assert tags["trainshed.report.digest"]
    assert (tags["trainshed.code"], tags["trainshed.run"], tags["trainshed.decision"]) == ("c0de", "made-by", "promoted")
    assert stage.is_current(model, report)


def test_a_refusal_is_a_finished_run_with_its_reason_shown(stage: Stage) -> None:
    model = stage.model(1)
    report = stage.report(model, 17.5)
    decision = stage.run(model, report)
    assert decision["decision"] == "refused"
    assert decision["reasons"] == ["rougeL is 17.50 (minimum 18.00)"]
    assert stage.aliases() == {"challenger": 1}
    tags = {tag["key"]: tag["value"] for tag in stage.versions()[0]["tags"]}
    assert tags["trainshed.decision"] == "refused"
    assert tags["trainshed.reasons"] == " | ".join(decision["reasons"])
    assert stage.versions()[0]["description"] == "Refused: rougeL is 17.50 (minimum 18.00)."
    note = f"Version 1 of {stage.name} was refused: rougeL is 17.50 (minimum 18.00)."
    whole = stage.server.call("GET", "runs/get", {"run_id": parent_run(stage.settings, "registration-tests", "run-1").id})["run"]["data"]
    assert {tag["key"]: tag["value"] for tag in whole["tags"]}["mlflow.note.content"] == note
    assert "gate/rougeL" in {metric["key"] for metric in whole["metrics"]}
    assert stage.is_current(model, report)


def test_a_challenger_has_to_beat_the_champion(stage: Stage) -> None:
    old, worse, better = (stage.model(seed) for seed in (1, 2, 3))
    rival = stage.report(old, 25.0)
    stage.run(old, rival)
    low = stage.report(worse, 24.0)
    assert stage.run(worse, low, rival)["decision"] == "refused"
    assert stage.aliases() == {"champion": 1, "challenger": 2}
    assert stage.run(better, stage.report(better, 26.0), rival)["decision"] == "promoted"
    assert stage.aliases() == {"champion": 3, "challenger": 3}
    assert [entry.decision for entry in stage.ledger.newest_first(stage.ledger.head())] == [
        Outcome.PROMOTED,
        Outcome.REFUSED,
        Outcome.PROMOTED,
    ]
    assert not stage.is_current(worse, low, rival)


def test_a_champion_that_changed_meanwhile_means_planning_again(stage: Stage) -> None:
    first, second = stage.model(1), stage.model(2)
    stage.run(first, stage.report(first, 25.0))
    with pytest.raises(Outdated, match="champion changed"):
        stage.run(second, stage.report(second, 30.0))
    assert stage.aliases()["champion"] == 1


def test_the_champion_itself_is_not_decided_upon_again(stage: Stage) -> None:
    model = stage.model(1)
    report = stage.report(model, 25.0)
    stage.run(model, report)
    assert stage.run(model, report, report)["number"] == 1
    assert stage.ledger.head().number == 1


def test_after_mlflow_was_wiped_everything_in_service_is_there_again(stage: Stage) -> None:
    champion, refused = stage.model(1), stage.model(2)
    rival = stage.report(champion, 25.0)
    stage.run(champion, rival)
    low = stage.report(refused, 20.0)
    stage.run(refused, low, rival)
    stage.server.call("DELETE", "registered-models/delete", {"name": stage.name})
    assert not stage.is_current(refused, low, rival)
    stage.run(refused, low, rival)
    assert stage.aliases() == {"challenger": 1, "champion": 2}
    assert stage.ledger.head().number == 2
    assert stage.is_current(refused, low, rival)
    assert stage.is_current(champion, rival)


def test_a_report_about_another_model_promotes_nothing(stage: Stage) -> None:
    weak, strong = stage.model(1), stage.model(2)
    with pytest.raises(BadInput, match=f"the report is about model {strong.digest[:12]}; expected one about {weak.digest[:12]}"):
        stage.run(weak, stage.report(strong, 99.0))
    assert stage.versions() == []
    assert stage.ledger.head() is None


def test_a_corrected_gate_decides_again(stage: Stage) -> None:
    champion, other = stage.model(1), stage.model(2)
    rival, low = stage.report(champion, 25.0), stage.report(other, 24.0)
    stage.run(champion, rival)
    stage.run(other, low, rival)
    stage.code = "corrected code of the gate"
    assert not stage.is_current(other, low, rival)
    assert stage.run(other, low, rival)["number"] == 3
    assert stage.is_current(other, low, rival)
    assert stage.run(other, low, rival)["number"] == 3


def poison(folder: Path, value: float) -> Path:
    """A copy of a model folder with one weight replaced."""
    other = folder.with_name(f"{folder.name}-{value}")
    shutil.copytree(folder, other)
    weights = load_file(other / "model.safetensors")
    name = sorted(weights)[-1]
    weights[name].reshape(-1)[-1] = value
    save_file(weights, other / "model.safetensors")
    return other


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_not_finite_is_never_registered(stage: Stage, value: float) -> None:
    model = stage.commit("model", "finetuning", poison(stage.make_model(seed=1), value), {}, poisoned=str(value))
    with pytest.raises(BadInput, match=r"^model\.safetensors: weight .* is NaN or infinite"):
        stage.run(model, stage.report(model, 99.0))
    assert stage.versions() == []
    assert stage.ledger.head() is None


@pytest.mark.parametrize("level", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_is_never_decided_upon(stage: Stage, level: float) -> None:
    model = stage.model(1)
    with pytest.raises(BadInput, match="the report has a rougeL of model that is missing, NaN or infinite"):
        stage.run(model, stage.report(model, level))
    assert stage.versions() == []
    assert stage.ledger.head() is None


CHANGES = (
    "registered-models/create",
    "model-versions/create",
    "registered-models/alias",
    "model-versions/set-tag",
    "model-versions/update",
    "upload",
    "put",
)


def cut_power(stage: Stage, monkeypatch: pytest.MonkeyPatch, at: int, *, before: bool) -> list[str]:
    """Let the process die just before or just after its change number ``at``; returns the changes as they happen."""
    happened: list[str] = []

    def wrap(owner: object, method: str, label: Callable[..., str | None]) -> None:
        real = getattr(owner, method)

        def step(*arguments: Any, **options: Any) -> Any:
            kind = label(*arguments)
            if kind is None:
                return real(*arguments, **options)
            happened.append(kind)
            if before and len(happened) == at:
                raise PowerCut
            answer = real(*arguments, **options)
            if not before and len(happened) == at:
                raise PowerCut
            return answer

        monkeypatch.setattr(owner, method, step)

    wrap(MlflowServer, "call", lambda _self, method, path, *_: path if method != "GET" and path in CHANGES else None)
    wrap(MlflowServer, "upload", lambda *_: "upload")
    wrap(stage.artifacts.store, "put", lambda key, *_: "put" if key.startswith("ledger/") else None)
    return happened


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 10))
def test_a_retry_after_a_power_cut_ends_as_if_there_had_been_none(stage: Stage, monkeypatch, at: int, before: bool) -> None:
    model = stage.model(1)
    report = stage.report(model, 25.0)
    with monkeypatch.context() as patch:
        happened = cut_power(stage, patch, at, before=before)
        with pytest.raises(PowerCut):
            stage.run(model, report)
        assert len(happened) == at
    assert stage.run(model, report)["decision"] == "promoted"
    assert [row["version"] for row in stage.versions()] == ["1"]
    assert stage.aliases() == {"champion": 1, "challenger": 1}
    assert stage.ledger.head().number == 1
    assert stage.is_current(model, report)


def test_the_power_cuts_above_reach_every_change(stage: Stage, monkeypatch) -> None:
    model = stage.model(1)
    happened = cut_power(stage, monkeypatch, 0, before=True)
    stage.run(model, stage.report(model, 25.0))
    assert set(happened) == set(CHANGES)
    assert len(happened) == 9


def test_a_second_attempt_makes_the_same_bytes(stage: Stage) -> None:
    """The first one tagged the version with its decision, and may have been cut off while it committed."""
    model = stage.model(1)
    report = stage.report(model, 25.0)
    for _ in range(2):
        stage.run(model, report)
    for name in ("version.json", "decision.json"):
        (made,) = {path.read_bytes() for path in stage.tmp.glob(f"*/output/{name}")}
        assert made


LOAD = """
import json, sys
try:
    import pipeline
    sys.exit("this project must not be here")
except ImportError:
    pass
import mlflow.pyfunc, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
json.dump(model.predict(pandas.DataFrame(json.loads(sys.argv[2]))).to_dict("list"), sys.stdout)
"""


def test_the_champion_loads_and_is_served_where_the_project_is_not_installed(
    mlflow_server, make_model, foreign_python, questions, tmp_path
) -> None:
    import requests

    stage = plain_stage(mlflow_server, make_model, tmp_path)
    model = stage.model(1)
    stage.run(model, stage.report(model, 25.0))
    expected = dict(Answerer.load(make_model(seed=1)).answer(questions))
    uri = f"models:/{stage.name}@champion"
    environment = foreign_environment(foreign_python, MLFLOW_TRACKING_URI=mlflow_server.uri)
    command = [str(foreign_python), "-c", LOAD, uri, json.dumps(questions)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == expected

    port = free_port()
    command = [
        str(foreign_python),
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        uri,
        "-p",
        str(port),
        "-h",
        "127.0.0.1",
        "--env-manager",
        "local",
    ]
    with (tmp_path / "serve.log").open("wb") as log, wait_for(command, tmp_path, environment, log, f"http://127.0.0.1:{port}/ping"):
        answer = requests.post(f"http://127.0.0.1:{port}/invocations", json={"dataframe_records": questions}, timeout=60)
        assert answer.json() == {"predictions": [{"answer": one} for one in expected["answer"]]}
