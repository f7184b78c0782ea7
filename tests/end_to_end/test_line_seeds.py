"""Several training seeds through the line on this machine: shared stages run once, and the gate decides on the mean."""

import pytest
from fixtures.line import Line

from pipeline.artifacts.manifest import Manifest
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import LedgerEntry

pytestmark = pytest.mark.timeout(600)  # whole lines run

SEEDS = {"registration.gate.seeds": 2, "pretraining": None}


def head(line: Line) -> LedgerEntry:
    found = Ledger(line.artifacts.store, line.recipe.registration.model).head()
    assert found is not None
    return found


def differing(first: Manifest, second: Manifest) -> dict[str, tuple[object, object]]:
    """The params of fine-tuning in which two models differ."""
    params, others = first.parts.params["finetuning"], second.parts.params["finetuning"]
    return {name: (value, others[name]) for name, value in params.items() if value != others[name]}


@pytest.mark.prove
def test_two_seeds_share_the_corpus_and_their_mean_is_compared_with_the_champion_of_two_seeds(make_line) -> None:
    line = make_line()
    launched = line.run(SEEDS).launched
    assert launched == ["ingestion", "tokenization", "finetuning", "finetuning-2", "evaluation", "evaluation-2", "registration"]
    first, second = line.manifest("finetuning"), line.manifest("finetuning-2")
    assert differing(first, second) == {"seed": (0, 1)}
    assert first.digest != second.digest
    assert first.inputs == second.inputs
    champion = head(line)
    assert champion.promoted
    assert champion.challenger.models == (first.reference, second.reference)
    scored = [line.manifest(step).metrics["test/rougeL"] for step in ("evaluation", "evaluation-2")]
    assert champion.figures["rougeL"] == pytest.approx(sum(scored) / 2, abs=1e-5)
    assert champion.figures["seeds"] == 2

    again = line.run({**SEEDS, "finetuning.learning_rate": 1e-3})
    assert again.launched == ["finetuning", "finetuning-2", "evaluation", "evaluation-2", "registration"]
    entry = head(line)
    assert entry.against == champion.number
    (rule,) = [rule for rule in entry.rules if rule.rule == "better than champion"]
    tried = [line.manifest(step).metrics["test/rougeL"] for step in ("evaluation", "evaluation-2")]
    assert rule.seeds == pytest.approx(tried, abs=1e-5)
    assert rule.other_seeds == pytest.approx(scored, abs=1e-5)
    assert rule.difference == pytest.approx(sum(tried) / 2 - sum(scored) / 2, abs=1e-5)
    assert "registered seed ahead" in [rule.rule for rule in entry.rules]

    assert line.run({**SEEDS, "finetuning.learning_rate": 1e-3}).launched == []
    one = line.run({"pretraining": None, "finetuning.learning_rate": 1e-3})
    assert one.launched == ["registration"], "one seed is another question about the same model"
