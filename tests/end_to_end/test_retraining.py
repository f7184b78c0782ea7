"""A model that is kept fresh, from one new file to the next, through a real Airflow: what the product is for, in one story.

A file comes, the recipe trains by itself, two people approve, and the model is champion. A better file comes, and its model takes over. The
labels are damaged, and the model is refused. Then the champion is rolled back, and forward again.
"""

from __future__ import annotations

import json
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from fixtures.commands import trainshed, until
from pydantic import SecretStr

from pipeline.artifacts import open_artifacts, open_store
from pipeline.corpus.read_corpus import read_documents
from pipeline.errors import BadInput
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.versions import read_aliases
from pipeline.stack.airflow_config import PASSWORDS
from pipeline.submission.airflow_client import Airflow
from pipeline.submission.submit import submit_recipe, wait_for_dag
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.stack import RunningStack

    from pipeline.registry.ledger_entry import LedgerEntry

pytestmark = [pytest.mark.timeout(1800), pytest.mark.prove]  # three whole lines run through Airflow

NAME = "topics"
WATCH, PROMOTE = f"{NAME}.watch", f"{NAME}.promote"
PEOPLE = ("approver1", "approver2")
RECIPE = """\
name: topics
description: Topics that one word of a text tells.
schedule: {{new_data: {{every: "@yearly"}}}}
data:
  source: {{kind: jsonl, path: "{source}/", columns: {{text: body, target: topic}}}}
  split: {{salt: topics, test: 0.25, validation: 0.1}}
tokenizer: {{vocabulary: 400, sentinels: 0}}
model:
  family: bert
  config: {{hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 64}}
  context: 48
task: {{kind: classification, max_tokens: 48}}
finetuning: {{steps: 200, batch: 16, learning_rate: 0.02, evaluate_every: 50, checkpoint_every: 200}}
evaluation: {{examples: 400, resamples: 100}}
registration:
  model: topics
  gate: {{min_examples: 40, beats: [majority]}}
  approval: {{people: 2, from: [approver1, approver2]}}
"""
TOPICS = {"sea": ("ship", "wave", "harbour"), "sky": ("cloud", "wing", "pilot"), "soil": ("plough", "seed", "barn")}
NOISE = ("the", "old", "man", "saw", "a", "red", "door", "and", "went", "by", "it", "with", "some", "bread")


def rows(count: int, seed: int, damaged: float = 0.0) -> list[dict[str, str]]:
    """Texts with their topic; a share of them has any topic."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        topic = draw.choice(list(TOPICS))
        words = [*draw.choices(NOISE, k=11), *draw.choices(TOPICS[topic], k=2)]
        draw.shuffle(words)
        found.append({"body": " ".join(words), "topic": draw.choice(list(TOPICS)) if draw.random() < damaged else topic})
    return found


@dataclass
class Story:
    """A recipe beside its source in S3."""

    stack: RunningStack
    looks: int = 0
    files: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    @property
    def airflow(self) -> Airflow:
        return Airflow(self.stack.settings)

    @property
    def ledger(self) -> Ledger:
        return Ledger(open_store(self.stack.settings), NAME)

    @property
    def source(self) -> str:
        return f"s3://{self._bucket}/incoming"

    @property
    def _bucket(self) -> str:
        return self.stack.settings.store.removeprefix("s3://").partition("/")[0]

    def put(self, name: str, found: list[dict[str, str]]) -> None:
        """Write a file of the source."""
        self.files[name] = found
        settings = self.stack.settings
        assert settings.s3_access_key is not None
        assert settings.s3_secret_key is not None
        client = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            region_name="us-east-1",
            aws_access_key_id=settings.s3_access_key.get_secret_value(),
            aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        )
        client.put_object(Bucket=self._bucket, Key=f"incoming/{name}", Body="\n".join(map(json.dumps, found)).encode())

    def look(self) -> None:
        """One look of the watch, as its cron expression would make it."""
        self.looks += 1
        self.airflow.trigger(WATCH, f"{WATCH}-{self.looks}", {})

    def trained(self, count: int) -> LedgerEntry:
        """The decision of the run that is the so many-th of the recipe, which nobody started."""
        airflow = self.airflow
        until(f"run {count}", lambda: len(airflow.runs(NAME)) == count)
        run = airflow.runs(NAME)[0]
        assert run.id.startswith("asset_triggered__")
        until(f"the end of {run.id}", lambda: airflow.run(NAME, run.id).state in {"success", "failed"})
        assert airflow.run(NAME, run.id).state == "success"
        entry = self.ledger.decision_of_run(f"{NAME}-{safe(run.id)}", self.ledger.head())
        assert entry is not None
        return entry

    def approve(self, proposal: LedgerEntry) -> LedgerEntry:
        """Both people approve whatever is asked until the model is champion: Airflow may lose an early answer, and asks again."""

        def promoted() -> LedgerEntry | None:
            for person in PEOPLE:
                for question in self.airflow.questions(PROMOTE):
                    with suppress(BadInput):  # this person has answered already
                        self.as_user(person).answer(question, "Approve", {"reason": "reads well"})
            champion = self.ledger.champion()
            return champion if champion and champion.about == proposal.number else None

        return until("the promotion", promoted, pause_s=1.0)

    def as_user(self, name: str) -> Airflow:
        passwords = json.loads((self.stack.settings.state / PASSWORDS).read_bytes())
        login = {"airflow_username": name, "airflow_password": SecretStr(passwords[name])}
        return Airflow(self.stack.settings.model_copy(update=login))

    def alias(self) -> Any:
        return read_aliases(MlflowServer(self.stack.settings), NAME)["champion"]


def safe(run_id: str) -> str:
    """An id of Airflow as a part of the name of a run."""
    return run_id.replace(":", "-").replace("+", "-")


def test_a_model_is_kept_fresh(stack: RunningStack, tmp_path: Path) -> None:
    story = Story(stack)
    story.put("part-1.jsonl", rows(300, seed=1, damaged=0.6))
    file = tmp_path / f"{NAME}.yaml"
    file.write_text(RECIPE.format(source=story.source))
    wait_for_dag(story.airflow, submit_recipe(file, stack.settings))
    # the first look comes by itself, as soon as the DAG is switched on
    until("the watch's DAG", lambda: story.airflow.dag(WATCH))
    first = story.trained(1)
    assert (first.decision, first.serves) == (Outcome.PROPOSED, False)
    weak = story.approve(first)
    assert (weak.decision, weak.approved_by, story.alias()) == (Outcome.PROMOTED, PEOPLE, 1)

    story.put("part-2.jsonl", rows(1200, seed=2))
    story.look()
    better = story.trained(2)
    assert better.decision is Outcome.PROPOSED
    assert better.against == weak.number
    assert better.figures["accuracy"] > better.figures["champion.accuracy"]
    strong = story.approve(better)
    assert (strong.decision, story.alias()) == (Outcome.PROMOTED, 2)

    shuffle_what_is_trained_on(story, tmp_path)
    story.look()
    refused = story.trained(3)
    assert (refused.decision, refused.against) == (Outcome.REFUSED, strong.number)
    assert any("improves on the champion by -" in reason for reason in refused.reasons)
    assert (story.ledger.champion(), story.alias()) == (strong, 2)

    assert trainshed(stack, "models", "rollback", NAME, "--reason", "too slow").returncode == 0
    assert story.alias() == 1
    trainshed(stack, "models", "rollback", NAME, "--to", "2")
    assert story.alias() == 2
    # a further look finds nothing new, and nothing undoes what a person decided
    story.look()
    until("the look", lambda: story.airflow.run(WATCH, f"{WATCH}-{story.looks}").state == "success")
    assert (len(story.airflow.runs(NAME)), story.alias()) == (3, 2)
    for entry in (first, better, refused):
        print(f"{entry.decision}: accuracy {entry.figures['accuracy']:.1f}; {'; '.join(entry.reasons)}")


def shuffle_what_is_trained_on(story: Story, folder: Path) -> None:
    """Shuffle the labels of the texts that the champion was trained on; the test examples keep theirs."""
    artifacts, champion = open_artifacts(story.stack.settings), story.ledger.champion()
    assert champion is not None
    report = artifacts.resolve(champion.challenger.report)
    assert report is not None
    manifest = artifacts.resolve(report.inputs["corpus"])
    assert manifest is not None
    corpus = artifacts.open(manifest, folder / "corpus")
    trained = {document.text for document in read_documents(corpus, "train")}
    labels = [row["topic"] for found in story.files.values() for row in found if row["body"] in trained]
    random.Random(2).shuffle(labels)
    damaged = iter(labels)
    for name, found in list(story.files.items()):
        story.put(name, [{**row, "topic": next(damaged)} if row["body"] in trained else row for row in found])
