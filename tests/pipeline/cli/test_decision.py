"""The decision that a run shows: its own, or the earlier one about its model, never another run's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from fixtures.scores import make_scores
from rich.console import Console

from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.manifest import Parts, Provenance, Reference
from pipeline.cli.decision import reason, show_decision
from pipeline.recipe import read_recipe
from pipeline.registry.comparison import Comparison
from pipeline.registry.decision_page import render_decision
from pipeline.registry.decision_table import decision_rows
from pipeline.registry.gate import decide as gate_decision
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.rule_result import RuleResult

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
RECIPE = read_recipe(Path(__file__).parents[3] / "dags" / "recipes" / "pydocs.yaml")
RULES = (
    RuleResult(rule="at least 20 test examples", met=True, metric="examples", challenger=1200),
    RuleResult(
        rule="better than name template",
        met=True,
        metric="rougeL",
        challenger=24.5,
        other="name template",
        other_value=22.9,
        difference=1.6,
        low=0.5,
        high=2.7,
    ),
)
COMPARISON = Comparison(number=2, tried=3, share=0.25, alpha=0.0125, evidence="e", test_set="t")
PRICE = (
    "Comparison 2 on this test set. If the model is no better, it passes with a probability of at most 0.013; any of all such models on "
    "this test set, of at most 0.05."
)


@pytest.fixture
def artifacts(folder_settings) -> Artifacts:
    return open_artifacts(folder_settings)


def model(digest: str) -> Reference:
    return Reference(type="model", stage="finetuning", fingerprint=f"of-{digest}", digest=digest)


def decide(artifacts: Artifacts, outcome: Outcome, digest: str, version: int, run: str, **more) -> LedgerEntry:
    """Append a decision to the ledger."""
    ledger = Ledger(artifacts.store, RECIPE.registration.model)
    head = ledger.head()
    champion = ledger.champion(head)
    return ledger.append(
        LedgerEntry(
            number=head.number + 1 if head else 1,
            decision=outcome,
            challenger=Candidate(version=version, model=model(digest)),
            against=champion.number if champion else None,
            time=NOW,
            run=run,
            **more,
        )
    )


@pytest.fixture
def shown(artifacts, folder_settings, tmp_path, capsys):
    """What a run prints that registered a model."""

    def show(run: str, digest: str) -> list[str]:
        folder = tmp_path / f"registration-{digest}"
        folder.mkdir(exist_ok=True)
        (folder / "decision.json").write_text("{}")
        parts = Parts(component="registration", version=1, params={}, inputs={"model": digest}, modules={}, libraries={})
        provenance = Provenance(code_version="x", run=run, started=NOW, finished=NOW)
        draft = Draft(type="version", stage="registration", parts=parts, inputs={"model": model(digest)}, provenance=provenance)
        registration = artifacts.commit(draft, folder).reference
        show_decision(RECIPE, run, registration, folder_settings, Console(width=1000, soft_wrap=True, highlight=False))
        return capsys.readouterr().out.splitlines()

    return show


def test_a_run_shows_its_own_decision_though_another_run_has_decided_since(artifacts, shown):
    decide(artifacts, Outcome.PROMOTED, "a", 1, "run-1", rules=RULES, comparison=COMPARISON)
    decide(artifacts, Outcome.REFUSED, "b", 2, "run-2", reasons=("too few examples",))
    assert shown("run-1", "a") == [
        "",
        "Decision: pydocs version 1 is champion (ledger entry 1).",
        "",
        "metric    challenger  baseline  difference  97.5% interval  rule                       verdict",
        "examples       1,200                                        at least 20 test examples  met    ",
        "rougeL         24.50     22.90       +1.60  +0.50 to +2.70  better than name template  met    ",
        "",
        PRICE,
        "Reason: every rule of the gate is met.",
    ]
    assert shown("run-2", "b") == [
        "",
        "Decision: pydocs version 2 was not promoted; version 1 is champion (ledger entry 2).",
        "Reason: too few examples.",
    ]


def test_a_run_that_decided_nothing_shows_the_decision_about_its_model(artifacts, shown):
    decide(artifacts, Outcome.PROMOTED, "a", 1, "run-1")
    decide(artifacts, Outcome.REFUSED, "b", 2, "run-2", reasons=("too few examples",))
    decide(artifacts, Outcome.REFUSED, "c", 3, "run-3", reasons=("too slow",))
    earlier = "This run decided nothing new; the decision is from 2026-01-02 03:04: run run-{}."
    assert shown("run-4", "a")[1:3] == ["Decision: pydocs version 1 is champion (ledger entry 1).", earlier.format(1)]
    assert shown("run-5", "b")[1:] == [
        "Decision: pydocs version 2 was not promoted; version 1 is champion (ledger entry 2).",
        earlier.format(2),
        "Reason: too few examples.",
    ]


def test_a_promotion_that_was_rolled_back_is_not_shown_as_champion(artifacts, shown):
    decide(artifacts, Outcome.PROMOTED, "a", 1, "run-1")
    decide(artifacts, Outcome.PROMOTED, "b", 2, "run-2")
    decide(artifacts, Outcome.ROLLED_BACK, "a", 1, "by alice", reasons=("too slow",))
    assert shown("run-2", "b")[1:3] == [
        "Decision: pydocs version 2 was promoted, but version 1 is champion now (ledger entry 2).",
        "Ledger entry 3 made version 1 champion later: rollback by alice (too slow).",
    ]
    assert shown("run-4", "a")[1:] == [
        "Decision: pydocs version 1 is champion (ledger entry 3).",
        "This run decided nothing new; the decision is from 2026-01-02 03:04: rollback by alice (too slow).",
        "Reason: too slow.",
    ]


def test_a_model_without_a_decision_prints_nothing(artifacts, shown):
    decide(artifacts, Outcome.PROMOTED, "a", 1, "run-1")
    assert shown("run-2", "b") == []


def test_the_reason_of_a_refusal_names_the_rules_and_leaves_the_figures_to_the_table(artifacts, shown):
    levels = {"model": 30.0, "lead": 40.0, "name_template": 20.0, "other": 31.0}
    gate = RECIPE.registration.gate.model_copy(update={"beats": ("lead", "name_template", "other"), "threshold": None, "min_examples": 50})
    decision = gate_decision(gate, make_scores({name: [level] * 10 for name, level in levels.items()}), None)
    decide(artifacts, Outcome.REFUSED, "a", 1, "run-1", reasons=decision.reasons, rules=decision.rules)
    printed = shown("run-1", "a")
    verdicts = {
        "at least 50": False,
        "in training": True,
        "at least 80% distinct": True,
        "lead": False,
        "name template": True,
        "other": False,
    }
    assert len(verdicts) == len(decision.rules)
    for (rule, met), row in zip(verdicts.items(), printed[4:], strict=False):
        assert rule in row
        assert row.rstrip().endswith(" met")
        assert row.rstrip().endswith("not met") is not met
    assert printed[-1] == "Reason: not met: at least 50 test examples; rougeL better than lead; rougeL better than other."


def test_a_slice_is_named_beside_its_metric(artifacts):
    where = RuleResult(rule="not worse than champion by 5.00", met=False, metric="accuracy", where="group numpy", difference=-8.0)
    entry = decide(artifacts, Outcome.REFUSED, "a", 1, "run-1", reasons=("long",), rules=(where,))
    (row,) = decision_rows(entry)
    assert (row.metric, row.difference, row.interval, row.verdict) == ("accuracy on group numpy", "-8.00", "", "not met")
    assert reason(entry) == "not met: accuracy on group numpy not worse than champion by 5.00"


def test_the_page_of_a_decision_has_its_table_and_escapes_what_data_says(artifacts):
    where = RuleResult(rule="not worse than champion by 5.00", met=False, metric="accuracy", where="group <b>", low=-1.0, high=2.0)
    reasons = ("accuracy on group <b> differs",)
    entry = decide(artifacts, Outcome.REFUSED, "a", 3, "run-1", reasons=reasons, rules=(*RULES, where), comparison=COMPARISON)
    page = render_decision("pydocs", entry)
    assert "<h1>pydocs version 3 was refused</h1>" in page
    assert "Ledger entry 1, 2026-01-02 03:04 UTC, run run-1, without a champion." in page
    assert '<td class="number">+0.50 to +2.70</td><td class="">better than name template</td><td class="met">met</td>' in page
    assert '<td class="not">not met</td>' in page
    assert "<b>" not in page
    assert PRICE in page
    assert render_decision("pydocs", entry) == page
    assert "<table>" not in render_decision("pydocs", decide(artifacts, Outcome.REFUSED, "b", 4, "run-2", reasons=("rolled back",)))
