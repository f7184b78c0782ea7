"""How often the gate promotes a retraining that differs in its seed only: real models, every pair of them, in both roles."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipeline.metrics.load_metric import load_metric
from pipeline.recipe import read_recipe
from pipeline.recipe.overrides import replace_fields
from pipeline.registry.gate import decide
from pipeline.registry.scores import Scores, read_scores

if TYPE_CHECKING:
    from fixtures.line import Line

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3 * 3600)]

RECIPE = Path(__file__).parents[2] / "dags" / "recipes" / "pydocs-topics.yaml"
SEEDS = 23
"""They make 506 ordered pairs."""

SMALL = {
    "pretraining": None,
    "model.config": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 256},
    "finetuning.steps": 150,
    "finetuning.evaluate_every": 150,
    "finetuning.checkpoint_every": 150,
    "evaluation.examples": 1000,
}


def scores_of(line: Line, seed: int) -> Scores:
    """Train with one seed, and read what the gate reads of its report."""
    line.run({"finetuning.seed": seed, "registration.model": f"seed-{seed}"})
    report = line.manifest("evaluation")
    with TemporaryDirectory() as folder:
        return read_scores(line.artifacts.open(report, Path(folder)))


def test_500_comparisons_of_models_with_other_seeds(make_line) -> None:
    line = make_line()
    line.recipe = replace_fields(read_recipe(RECIPE), SMALL, "a test")
    gate = line.recipe.registration.gate
    scores = [scores_of(line, seed) for seed in range(SEEDS)]
    promoted = np.zeros((SEEDS, SEEDS), dtype=bool)
    for challenger, champion in permutations(range(SEEDS), 2):
        promoted[challenger, champion] = decide(gate, scores[challenger], scores[champion]).promote
    metric = load_metric("accuracy")
    accuracy = [metric.value(one.statistics["model"]["accuracy"].sum(axis=0)) for one in scores]
    share = promoted.sum() / (SEEDS * (SEEDS - 1))
    low, high = np.quantile(resampled(promoted), [0.025, 0.975])
    print(
        f"accuracy {np.mean(accuracy):.1f}, from {min(accuracy):.1f} to {max(accuracy):.1f}, standard deviation {np.std(accuracy, ddof=1):.2f}"
    )
    print(
        f"other seeds: {promoted.sum()} of {SEEDS * (SEEDS - 1)} = {share:.1%} promoted (95 % interval {low:.1%} to {high:.1%}, over seeds)"
    )
    assert share <= 0.05


def resampled(promoted: np.ndarray, times: int = 2000) -> np.ndarray:
    """Shares of promoted pairs, with the models resampled: pairs that share a model are not independent."""
    draws = np.random.default_rng(0).integers(len(promoted), size=(times, len(promoted)))
    shares = []
    for draw in draws:
        other = draw[:, None] != draw[None, :]
        shares.append(promoted[draw[:, None], draw[None, :]][other].mean())
    return np.array(shares)
