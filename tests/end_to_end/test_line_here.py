"""The line on this machine: cache hits and misses, repair of damage, and what a kill leaves."""

import re
import shutil
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fixtures.line import Heard, Line
from fixtures.mlflow import Server, free_port, running_mlflow
from fixtures.prestarted import components

from pipeline import cli
from pipeline.artifacts.checkpoints import Checkpoint
from pipeline.artifacts.manifest import blob_key
from pipeline.errors import Interrupted
from pipeline.local.reproduce import reproduce
from pipeline.planning import Status
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.versions import read_aliases
from pipeline.tracking import MlflowServer, step_run

pytestmark = pytest.mark.timeout(600)  # whole lines run, some of them twice

ALL = ["ingestion", "tokenization", "pretraining", "finetuning", "evaluation", "registration"]


def statuses(heard: Heard) -> dict[str, Status]:
    return {row.id: row.status for row in heard.plans[-1].steps}


def flip(line: Line, key: str) -> None:
    data = bytearray(line.artifacts.store.get(key).data)
    data[len(data) // 2] ^= 1
    line.artifacts.store.put(key, bytes(data))


def test_from_a_source_to_a_champion_and_what_runs_again(make_line, tmp_path: Path) -> None:
    line = make_line()
    assert line.run().launched == ALL
    champion = Ledger(line.artifacts.store, line.recipe.registration.model).champion()
    assert champion.digest == line.manifest("finetuning").digest
    server = MlflowServer(line.settings)
    assert read_aliases(server, line.recipe.registration.model)["champion"] == champion.challenger.version

    again = line.run()
    assert again.launched == []
    assert statuses(again) == {**dict.fromkeys([*ALL, "champion_evaluation"], Status.HIT)}

    changed = line.run({"finetuning.learning_rate": 1e-3})
    assert changed.launched == ["finetuning", "evaluation", "registration"]
    assert "param finetuning.learning_rate: 0.003 → 0.001" in changed.plans[-1].step("finetuning").reason

    judged = line.run({"finetuning.stop_on": "rougeL", "finetuning.stop_examples": 8})
    assert judged.launched == ["finetuning", "evaluation", "registration"]
    model = line.manifest("finetuning")
    assert model.inputs["corpus"] == line.manifest("ingestion").reference
    assert "validation_rougeL" in model.metrics
    assert any("validation rougeL" in said for said in judged.lines)
    page = line.artifacts.open(line.manifest("evaluation"), tmp_path / "report") / "report.html"
    assert "validation ROUGE-L" in page.read_text()

    forced = line.run(force=frozenset({"tokenization"}))
    assert forced.launched == ["tokenization"]  # it made the same bytes: everything after it is still a hit


@pytest.mark.prove
def test_a_champion_that_changes_during_a_run_makes_it_plan_again(make_line) -> None:
    line = make_line()
    ledger = Ledger(line.artifacts.store, line.recipe.registration.model)
    line.run()
    line.run({"finetuning.seed": 1})
    other = next(entry for entry in ledger.newest_first(ledger.head()) if entry.digest != ledger.champion().digest)

    class Changing(Heard):
        def on_step_start(self, step_id: str) -> None:
            super().on_step_start(step_id)
            if self.launched.count("registration") == 1 and step_id == "registration":
                promoted = {"decision": Outcome.PROMOTED, "serves": True, "against": ledger.champion().number, "run": "meanwhile"}
                ledger.append(other.model_copy(update={"number": ledger.head().number + 1, **promoted}))

    heard = line.run({"finetuning.seed": 2}, Changing())
    assert heard.launched.count("registration") == 2
    head = ledger.head()
    assert (head.run, head.digest) == (heard.plans[-1].run, line.manifest("finetuning").digest)
    assert ledger.entry(head.against).run == "meanwhile"


@pytest.mark.prove
def test_a_version_is_rebuilt_from_its_manifests_and_the_store_stays_as_it_is(make_line, capsys) -> None:
    line = make_line()
    line.run()
    before = {stat.key: stat.etag for stat in line.artifacts.store.list("")}
    assert cli.run(["models", "reproduce", f"{line.recipe.registration.model}@champion"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [row.split()[::2] for row in told[-5:-1]] == [[stage, "same"] for stage in ALL[:4]]
    assert told[-1] == f"{line.recipe.registration.model}@champion is reproduced byte for byte"
    assert {stat.key: stat.etag for stat in line.artifacts.store.list("")} == before
    # without its source the corpus is taken over as it lies in the store
    Path(line.recipe.data.source.path).unlink()
    (corpus,) = reproduce(line.outputs["ingestion"], line.recipe.name, "again", line.settings, lambda _stage, _line: None)
    assert corpus.copied
    assert corpus.rebuilt_digest == corpus.original_digest


@pytest.mark.prove
def test_a_wiped_mlflow_gets_its_versions_back_without_training(make_line, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with running_mlflow(tmp_path / "one") as server:
        line = make_line("a", mlflow_uri=server.uri)
        line.run()
    with running_mlflow(tmp_path / "two") as server:
        line = make_line("a", mlflow_uri=server.uri)
        assert line.run().launched == ["registration"]
        assert read_aliases(MlflowServer(line.settings), line.recipe.registration.model)["champion"] == 1


DAMAGED = {"ingestion": "train.*parquet", "tokenization": r"examples/train-target\.bin", "finetuning": ".*safetensors", "pretraining": ""}
"""What of a stage's artifact is damaged: its files of this name, or its manifest."""


@pytest.mark.parametrize(
    ("harm", "stages"),
    [
        ("flip", ["tokenization"]),
        pytest.param("flip", ["ingestion", "finetuning", "pretraining"], marks=pytest.mark.prove),
        pytest.param("delete", list(DAMAGED), marks=pytest.mark.prove),
    ],
)
def test_damage_is_found_and_the_result_is_right(make_line, harm: str, stages: list[str]) -> None:
    line = make_line()
    line.run()
    wanted = {step: line.manifest(step).digest for step in ALL[:-1]}
    for stage in stages:
        pattern = DAMAGED[stage]
        manifest = line.manifest(stage)
        keys = [blob_key(entry.sha256) for entry in manifest.files if re.fullmatch(pattern, entry.path)] if pattern else [manifest.key]
        if harm == "delete":
            line.artifacts.store.delete(keys[0])
        else:
            flip(line, keys[0])
        # fine-tuning reads tokens and base, evaluation reads corpus and model; what was read before lies in the cache, whole
        shutil.rmtree(line.settings.cache_folder)
        heard = line.run(force=frozenset({"evaluation", "finetuning"}))
        assert stage in heard.launched, (stage, heard.lines)
        assert {step: line.manifest(step).digest for step in wanted} == wanted
        assert line.artifacts.verify(line.manifest(stage)) == []
    assert bool(list(line.artifacts.store.list("quarantine/"))) is (harm == "flip")


def kill_after(step: str, committed: int) -> Heard:
    """A listener that kills the component of a step with SIGKILL once it has committed so many checkpoints."""
    heard = Heard()

    def act(step_id: str, line: str) -> None:
        if (
            step_id == step
            and sum("checkpoint committed" in told for told in heard.lines if told.startswith(step)) == committed
            and not heard.killed
        ):
            heard.killed = True
            for process in components(step):
                process.kill()

    heard.killed = False
    heard.on_line = act
    return heard


def test_ctrl_c_leaves_a_checkpoint_and_nothing_else(make_line) -> None:
    line = make_line()

    def act(step_id: str, told: str) -> None:
        if step_id == "pretraining" and "checkpoint committed" in told:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=f"interrupted; .*run {line.recipe.name} again"):
        line.run(heard=Heard(on_line=act))
    assert components("pretraining") == []
    assert list(line.artifacts.store.list("training/"))
    assert {manifest.stage for manifest in line.artifacts.manifests()} == {"ingestion", "tokenization"}


@pytest.mark.parametrize("family", ["bert", *(pytest.param(family, marks=pytest.mark.prove) for family in ("t5_copy", "gpt2"))])
def test_a_killed_training_ends_with_the_bytes_of_an_undisturbed_one(make_line, family: str) -> None:
    undisturbed = make_line("undisturbed", family)
    undisturbed.run()
    line = make_line("killed", family)
    heard = line.run(heard=kill_after("pretraining", 2))
    assert heard.killed
    assert any("resumed at step 4" in told or "resumed at step 6" in told for told in heard.lines), heard.lines
    assert line.manifest("pretraining").digest == undisturbed.manifest("pretraining").digest
    assert line.manifest("finetuning").digest == undisturbed.manifest("finetuning").digest
    assert not list(line.artifacts.store.list("training/"))
    run = step_run(line.settings, line.recipe.name, heard.plans[0].run, "pretraining")
    history = run.server.call("GET", "metrics/get-history", {"run_id": run.id, "metric_key": "validation/loss"})["metrics"]
    assert max(Counter(point["step"] for point in history).values()) == 1
    assert sorted(point["step"] for point in history) == [2, 4, 6, 8]


@dataclass
class Outage(Heard):
    """Kills MLflow after the second checkpoint of pretraining; starts it again after the fifth, or after some seconds."""

    folder: Path = Path()
    port: int = 0
    seconds: float | None = None
    server: ExitStack = field(default_factory=ExitStack)
    restart: threading.Timer | None = None
    down: int = 0
    """Checkpoints that were committed while it was down."""

    def start(self) -> Server:
        self.down = self.committed - 2
        return self.server.enter_context(running_mlflow(self.folder, self.port))

    @property
    def committed(self) -> int:
        return sum("checkpoint committed" in told for told in self.lines if told.startswith("pretraining"))

    def on_step_line(self, step_id: str, line: str) -> None:
        super().on_step_line(step_id, line)
        if step_id != "pretraining" or "checkpoint committed" not in line:
            return
        if self.committed == 2:
            self.server.close()
            if self.seconds:
                self.restart = threading.Timer(self.seconds, self.start)
                self.restart.start()
        if self.committed == 5 and not self.seconds:
            self.start()


# the long outage is that of the runbook; the training of 45,000 steps outlasts it on two cores
@pytest.mark.parametrize(
    ("seconds", "steps", "every"),
    [
        pytest.param(None, 14, 2, marks=pytest.mark.prove),
        pytest.param(600.0, 45_000, 500, marks=[pytest.mark.prove, pytest.mark.timeout(3600)]),
    ],
)
def test_training_continues_while_mlflow_is_down_and_its_metrics_arrive_once_in_order(
    make_line, tmp_path: Path, monkeypatch, seconds: float | None, steps: int, every: int
) -> None:
    if seconds is None:
        monkeypatch.setenv("TRAINSHED_MLFLOW_RETRY_S", "1")
    heard = Outage(folder=tmp_path / "mlflow", port=free_port(), seconds=seconds)
    heard.folder.mkdir()
    with heard.server:
        line = make_line("outage", mlflow_uri=heard.start().uri)
        often = {"pretraining.steps": steps, "pretraining.checkpoint_every": every, "pretraining.evaluate_every": every}
        line.recipe = replace_fields(line.recipe, often, "a test")
        line.run(heard=heard)
        trained = [told for told in heard.lines if told.startswith("pretraining")]
        assert sum("lease acquired" in told for told in trained) == 1, "one attempt: the outage ended none"
        assert any("metrics wait" in told for told in trained)
        assert heard.down >= 3
        print(f"{heard.committed} checkpoints, {heard.down} of them while MLflow was down")
        run = step_run(line.settings, line.recipe.name, heard.plans[0].run, "pretraining")
        for metric in ("validation/loss", "train/loss"):
            history = run.server.call("GET", "metrics/get-history", {"run_id": run.id, "metric_key": metric, "max_results": 50_000})[
                "metrics"
            ]
            arrived = [point["step"] for point in sorted(history, key=lambda point: (point["timestamp"], point["step"]))]
            assert arrived == sorted(set(arrived))
            print(f"{len(arrived)} values of {metric}")
            if metric == "validation/loss":
                assert arrived == list(range(every, steps + 1, every))


@pytest.mark.prove
def test_a_damaged_checkpoint_costs_its_interval_and_nothing_else(make_line) -> None:
    undisturbed = make_line("undisturbed")
    undisturbed.run()
    line = make_line("killed")
    heard = kill_after("pretraining", 2)
    kill = heard.on_line

    def act(step_id: str, told: str) -> None:
        before = heard.killed
        kill(step_id, told)
        if heard.killed and not before:
            newest = sorted(stat.key for stat in line.artifacts.store.list("training/"))[-1]
            record = Checkpoint.model_validate_json(line.artifacts.store.get(newest).data)
            flip(line, blob_key(record.files[0].sha256))

    heard.on_line = act
    line.run(heard=heard)
    assert any("is damaged" in told for told in heard.lines), heard.lines
    assert any("resumed at step 2" in told or "resumed at step 4" in told for told in heard.lines), heard.lines
    assert line.manifest("pretraining").digest == undisturbed.manifest("pretraining").digest


def test_nothing_of_airflow_is_imported_here() -> None:
    import subprocess

    code = "import sys, pipeline.cli.runs, pipeline.local.run, pipeline.cli.local_output; assert 'airflow' not in sys.modules; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
