"""What a study asks for: the same from the same records, whoever reads them, and no more than the budget allows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput, Damaged
from pipeline.experiments.budget import check_prices, spent, used_up
from pipeline.experiments.plots import draw_cost, draw_importance, draw_parallel
from pipeline.experiments.records import Ask, Closed, Lost, Outcome, Pinned, Ran, StudyRecords, Tell
from pipeline.experiments.report import render_report
from pipeline.experiments.schedule import best_trial, count_rounds, next_round, round_of
from pipeline.experiments.suggest import suggest
from pipeline.experiments.summary import set_options, trial_rows
from pipeline.experiments.trial import LINE, depends_on_values, trial_recipe
from pipeline.lines import trace
from pipeline.recipe.recipe import check_recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.recipe import Recipe

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SPACE = {
    "finetuning.learning_rate": {"low": 0.001, "high": 0.1, "log": True},
    "finetuning.batch": {"low": 16, "high": 64, "step": 16},
    "finetuning.optimizer": {"values": ["muon", "adamw"]},
}
PINNED = Pinned(sources={}, champions={})
METHODS = ("random", "tpe")


def recipe(**experiment: Any) -> Recipe:
    return check_recipe(
        {
            "name": "tiny",
            "data": {"source": {"kind": "jsonl", "path": "x.jsonl", "columns": {"target": "summary"}}, "split": {"salt": "s"}},
            "model": {"family": "t5"},
            "task": {"kind": "summarization"},
            "finetuning": {"steps": 800, "evaluate_every": 100, "stop_on": "rougeL"},
            "registration": {"model": "tiny"},
            "experiment": {"search": SPACE, **experiment},
        },
        "tiny.yaml",
    )


def quality(ask: Ask) -> float:
    """A made-up objective that likes large batches and a rate near 0.02; more steps make it better."""
    rate, batch = float(ask.values.get("finetuning.learning_rate", 0.02)), int(ask.values["finetuning.batch"])
    return 30 - abs(rate - 0.02) * 100 + batch / 16 + (ask.until or 800) / 100


def tell(ask: Ask, value: float | None, **more: Any) -> Tell:
    outcome = Outcome.FAILED if value is None else Outcome.COMPLETE
    return Tell(number=ask.number, trial=ask.trial, outcome=outcome, value=value, steps=ask.until or 800, time=NOW, **more)


def simulate(
    recipe: Recipe,
    value_of: Callable[[Ask], float | None] = quality,
    asks: dict[int, Ask] | None = None,
    tells: dict[int, Tell] | None = None,
) -> tuple[dict[int, Ask], dict[int, Tell], list[int]]:
    """Run a study without training; asks, tells and the size of each round."""
    asks, tells, sizes = dict(asks or {}), dict(tells or {}), []
    while round_ := next_round(recipe, asks, tells):
        asks |= {ask.number: ask for ask in round_}
        sizes.append(len(round_))
        # the last one ends first: what comes next must not depend on it
        for ask in reversed(round_):
            tells.setdefault(ask.number, tell(ask, value_of(ask)))
    return asks, tells, sizes


@pytest.mark.parametrize("method", METHODS)
def test_the_same_records_give_the_same_suggestions(method: str) -> None:
    study = recipe(method=method, trials=12, at_once=3, seed=7)
    asks, tells, _ = simulate(study)
    again = simulate(study)[0]
    assert again == asks
    assert simulate(recipe(method=method, trials=12, at_once=3, seed=8))[0] != asks
    assert len({str(ask.values) for ask in asks.values()}) > 9
    # wherever the scheduler is lost: between two records of a round, or between two tells
    for kept in range(12):
        for told in range(kept + 1):
            some = ({number: asks[number] for number in range(kept)}, {number: tells[number] for number in range(told)})
            assert simulate(study, quality, *some)[0] == asks, (kept, told)


def test_experiments_with_other_seeds_have_no_trial_in_common() -> None:
    found = [simulate(recipe(method="random", trials=20, seed=seed))[0].values() for seed in (0, 1, 2)]
    assert len({ask.values["finetuning.learning_rate"] for asks in found for ask in asks}) == 60


def test_suggestions_fit_the_space() -> None:
    for ask in simulate(recipe(trials=16, at_once=4))[0].values():
        assert set(ask.values) == set(SPACE)
        assert 0.001 <= ask.values["finetuning.learning_rate"] <= 0.1
        assert ask.values["finetuning.batch"] in (16, 32, 48, 64)
        assert trial_recipe(recipe(trials=16), ask.values, None).experiment is None


def test_tpe_learns_and_random_does_not() -> None:
    """What was tried last of 30 trials: tpe has found large batches and good rates; means over five seeds."""
    means = {}
    for method in METHODS:
        found = [simulate(recipe(method=method, trials=30, seed=seed))[1] for seed in range(5)]
        means[method] = sum(tells[number].value for tells in found for number in range(15, 30)) / 75
    assert means["tpe"] > means["random"] + 1


def test_trials_of_one_round_count_as_running() -> None:
    study = recipe(trials=12, at_once=4)
    asks, tells, sizes = simulate(study)
    assert sizes == [4, 4, 4]
    before = [(asks[number].values, tells[number].value, True) for number in range(8)]
    running = [(asks[number].values, None, False) for number in (8, 9, 10)]
    assert suggest(study, 11, [*before, *running]) == asks[11].values
    with_value = [(asks[number].values, tells[number].value, True) for number in range(11)]
    assert suggest(study, 11, with_value) != asks[11].values


def test_a_grid_tries_every_combination_once() -> None:
    study = recipe(
        method="grid", search={"finetuning.batch": {"values": [16, 32]}, "finetuning.warmup": {"low": 0, "high": 0.2, "step": 0.1}}
    )
    asks, _, sizes = simulate(study)
    assert sizes == [6]
    found = [(ask.values["finetuning.batch"], round(ask.values["finetuning.warmup"], 9)) for ask in asks.values()]
    assert found == [(16, 0), (16, 0.1), (16, 0.2), (32, 0), (32, 0.1), (32, 0.2)]


@pytest.mark.parametrize("method", METHODS)
def test_halving_asks_for_the_steps_it_says(method: str) -> None:
    study = recipe(method=method, trials=8, at_once=4, halving={"rungs": [100, 300], "keep": 0.5})
    asks, tells, sizes = simulate(study)
    assert sizes == ([4, 4, 4, 2] if method == "tpe" else [8, 4, 2])
    steps: dict[int, int] = {}
    for ask in asks.values():
        steps[ask.trial] = ask.until or 800
    # 8 trials to step 100, 4 of them to 300, 2 of those to their end
    assert sorted(steps.values()) == [100] * 4 + [300] * 2 + [800] * 2
    first = sorted(range(8), key=lambda number: -tells[number].value)
    assert {ask.trial for ask in asks.values() if ask.rung == 1} == set(first[:4])
    assert {ask.trial for ask in asks.values() if ask.rung == 2} == set(first[:2])
    assert best_trial(study, asks, tells).trial == first[0]
    assert all(asks[number].values == asks[asks[number].trial].values for number in asks)
    rows = trial_rows(study, asks, tells)
    assert [row.last_rung for row in rows] == [True] * 2 + [False] * 6


def test_a_trial_that_fails_sinks_nothing() -> None:
    study = recipe(trials=6, at_once=2, halving={"rungs": [100]})
    asks, tells, _ = simulate(study, lambda ask: None if ask.trial in (1, 4) else quality(ask))
    assert len([ask for ask in asks.values() if ask.rung == 0]) == 6
    assert len([ask for ask in asks.values() if ask.rung == 1]) == 3
    assert best_trial(study, asks, tells).trial not in (1, 4)
    assert [row.value for row in trial_rows(study, asks, tells)][-2:] == [None, None]


def test_if_all_fail_there_is_no_best() -> None:
    study = recipe(trials=3, halving={"rungs": [100]})
    asks, tells, sizes = simulate(study, lambda _: None)
    assert sizes == [1, 1, 1]
    assert best_trial(study, asks, tells) is None
    assert "no trial" in render_report(study, "s", asks, tells, Closed(best=None, value=None, reason="x", time=NOW))


def test_the_best_is_of_the_highest_rung() -> None:
    study = recipe(trials=4, method="random", halving={"rungs": [100], "keep": 0.25})
    # the one that goes on gets worse: a trial of less training is no better
    asks, tells, _ = simulate(study, lambda ask: 1.0 if ask.rung else 10.0 + ask.trial)
    assert (best_trial(study, asks, tells).trial, best_trial(study, asks, tells).value) == (3, 1.0)


def ran(seconds: float, tokens: float = 0, cost: float | None = None) -> Ran:
    reference = Reference(type=ArtifactType.MODEL, stage="finetuning", fingerprint="f" * 64, digest="d" * 64)
    return Ran(artifact=reference, state="f" * 64, seconds=seconds, tokens=tokens, cost=cost)


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        ({}, ""),
        ({"tokens": 2001}, ""),
        ({"tokens": 2000}, "The budget is used up: tokens 2,000 of 2,000."),
        ({"hours": 2}, "The budget is used up: hours 2 of 2."),
        ({"cost": 5}, "The budget is used up: cost 6 of 5."),
    ],
)
def test_budgets(budget: dict[str, float], sentence: str) -> None:
    study = recipe(trials=4, budget=budget)
    asks = next_round(study, {}, {})
    tells = [
        tell(asks[0], 1.0, ran=(ran(3600, 1500, 4.0), ran(1800, 500))),
        tell(asks[0], None, lost=Lost(step="x", seconds=1800, cost=2.0)),
    ]
    assert spent(tells) == (2000, 2, 6)
    assert used_up(study, tells) == sentence


def test_a_limit_of_the_cost_needs_prices() -> None:
    study = recipe(trials=4, budget={"cost": 5})
    prices = {"cpu-small": 0.1, "gpu-1": 2.0}
    check_prices(study, trace(study, LINE), prices.get)
    with pytest.raises(BadInput, match="machine size 'gpu-1' has no price"):
        check_prices(study, trace(study, LINE), {"cpu-small": 0.1}.get)


def test_records_are_put_once_and_read_back(any_settings) -> None:
    store = open_store(any_settings)
    records = StudyRecords(store, "tiny-1")
    assert (records.began(), records.closed(), records.asks(), records.tells()) == (None, None, {}, {})
    study = recipe(trials=3, at_once=3)
    plain = study.model_dump(mode="json")
    began = records.begin(plain, PINNED)
    assert StudyRecords(store, "tiny-1").begin({"other": 1}, PINNED) == began
    asks = [records.ask(ask) for ask in next_round(study, {}, {})]
    first = records.tell(tell(asks[0], 1.5, ran=(ran(1, 2, 0.5),)))
    other = StudyRecords(store, "tiny-1")
    assert other.tell(tell(asks[0], 9.9)) == first
    assert other.asks() == {ask.number: ask for ask in asks}
    assert other.tells() == {0: first}
    end = records.close(Closed(best=0, value=1.5, reason="x", time=NOW))
    assert other.close(Closed(best=1, value=2.5, reason="y", time=NOW)) == end == other.closed()
    store.put("studies/tiny-1/tells/000000.json", store.get("studies/tiny-1/tells/000000.json").data.replace(b"1.5", b"2.5"))
    with pytest.raises(Damaged, match=r"tells/000000\.json is damaged"):
        StudyRecords(store, "tiny-1").tells()


def test_values_of_a_trial_that_do_not_fit_together_are_refused() -> None:
    study = recipe(trials=1, search={"finetuning.warmup": {"low": 0.1, "high": 0.9}, "finetuning.decay": {"low": 0.1, "high": 0.9}})
    with pytest.raises(BadInput, match="add up to more than 1"):
        trial_recipe(study, {"finetuning.warmup": 0.9, "finetuning.decay": 0.9}, None)


def test_the_report_shows_each_trial_and_the_command_gives_its_values() -> None:
    study = recipe(trials=8, at_once=4, halving={"rungs": [100], "keep": 0.5})
    asks, tells, _ = simulate(study, lambda ask: None if ask.trial == 2 else quality(ask))
    best = best_trial(study, asks, tells)
    page = render_report(study, "tiny-1", asks, tells, Closed(best=best.trial, value=best.value, reason="Every trial was run.", time=NOW))
    assert page.count("<svg") == 3
    assert page.count("<tr") == 9
    # the names of the axes are not cut off: the drawing has each of them beside the table and the command
    assert all(field.partition(".")[2] in draw_parallel(study, trial_rows(study, asks, tells)) for field in SPACE)
    assert "validation ROUGE-L (higher is better)" in page
    assert "stopped at a rung" in page
    options = set_options(asks[best.trial].values)
    assert options.replace("'", "&#39;") in page
    rows = trial_rows(study, asks, tells)
    assert draw_parallel(study, rows[:1]) == draw_importance(study, rows[:1]) == draw_cost(study, rows[:1]) == ""


@pytest.mark.parametrize(
    ("step", "depends"), [("ingestion", False), ("tokenization", False), ("pretraining", True), ("finetuning", True), ("", True)]
)
def test_a_failure_before_the_searched_fields_is_no_failure_of_the_trial(step: str, depends: bool) -> None:
    plain = recipe(trials=1).model_dump(mode="json")
    plain["pretraining"] = {"objective": "span_corruption", "steps": 8}
    study = check_recipe(plain, "tiny.yaml")
    trial = trial_recipe(study, {"pretraining.learning_rate": 0.5}, None)
    assert depends_on_values(study, trial, step) is depends


@pytest.mark.parametrize("method", METHODS)
def test_every_ask_is_of_the_round_that_asks_for_it(method: str) -> None:
    study = recipe(method=method, trials=7, at_once=3, halving={"rungs": [100, 300], "keep": 0.5})
    asks: dict[int, Ask] = {}
    tells: dict[int, Tell] = {}
    rounds = 0
    while found := next_round(study, asks, tells):
        rounds += 1
        assert {round_of(study, ask) for ask in found} == {rounds}
        asks |= {ask.number: ask for ask in found}
        tells |= {ask.number: tell(ask, quality(ask)) for ask in found}
    assert rounds == count_rounds(study)
