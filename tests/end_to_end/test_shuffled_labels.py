"""A retraining on damaged labels through a real Airflow: its model is refused, and the champion stays."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from fixtures.commands import trainshed

from pipeline.artifacts import open_artifacts, open_store
from pipeline.corpus.read_corpus import read_documents
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.stack import RunningStack

pytestmark = [pytest.mark.timeout(900), pytest.mark.prove]  # two whole lines run through Airflow

NAME = "shuffled"
RECIPE = """\
name: shuffled
description: Topics that one word of a text tells.
data:
  source: {{kind: jsonl, path: {data}, columns: {{text: body, target: topic}}}}
  split: {{salt: shuffled, test: 0.25, validation: 0.1}}
tokenizer: {{vocabulary: 400, sentinels: 0}}
model:
  family: bert
  config: {{hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 64}}
  context: 48
task: {{kind: classification, max_tokens: 48}}
finetuning: {{steps: 200, batch: 16, learning_rate: 0.02, evaluate_every: 50, checkpoint_every: 200}}
evaluation: {{examples: 200, resamples: 100}}
registration: {{model: shuffled, gate: {{min_examples: 100}}}}
"""
TOPICS = {"sea": ("ship", "wave", "harbour"), "sky": ("cloud", "wing", "pilot"), "soil": ("plough", "seed", "barn")}
NOISE = ("the", "old", "man", "saw", "a", "red", "door", "and", "went", "by", "it", "with", "some", "bread")


def rows() -> list[dict[str, str]]:
    draw = random.Random(1)
    found = []
    for _ in range(800):
        topic = draw.choice(list(TOPICS))
        words = [*draw.choices(NOISE, k=11), *draw.choices(TOPICS[topic], k=2)]
        draw.shuffle(words)
        found.append({"body": " ".join(words), "topic": topic})
    return found


def write(path: Path, found: list[dict[str, str]]) -> None:
    path.write_text("\n".join(map(json.dumps, found)))


def test_a_retraining_with_shuffled_labels_is_refused_and_the_champion_stays(stack: RunningStack, tmp_path: Path) -> None:
    data, file, good = tmp_path / "rows.jsonl", tmp_path / f"{NAME}.yaml", rows()
    write(data, good)
    file.write_text(RECIPE.format(data=data))
    assert "is champion" in trainshed(stack, "run", str(file)).stdout
    ledger, artifacts = Ledger(open_store(stack.settings), NAME), open_artifacts(stack.settings)
    champion = ledger.champion()
    assert champion is not None
    assert champion.figures["accuracy"] > 90

    report = artifacts.resolve(champion.challenger.report)
    corpus = artifacts.open(artifacts.resolve(report.inputs["corpus"]), tmp_path / "corpus")
    trained = {document.text for document in read_documents(corpus, "train")}
    labels = [row["topic"] for row in good if row["body"] in trained]
    assert len(trained) > 400
    random.Random(2).shuffle(labels)
    damaged = iter(labels)
    # only what is trained on: the test examples keep their labels
    write(data, [{**row, "topic": next(damaged)} if row["body"] in trained else row for row in good])

    said = trainshed(stack, "run", str(file)).stdout
    assert "was not promoted" in said
    entry = ledger.head()
    assert entry is not None
    assert (entry.decision, entry.against, entry.number) == (Outcome.REFUSED, champion.number, champion.number + 1)
    assert entry.digest != champion.digest
    assert entry.figures["accuracy"] < 60
    assert entry.figures["champion.accuracy"] == pytest.approx(champion.figures["accuracy"])
    assert any("improves on the champion by -" in reason for reason in entry.reasons)
    assert ledger.champion() == champion
    print("; ".join(entry.reasons))
