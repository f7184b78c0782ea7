"""The experiment of a recipe: what is accepted, and what a person reads when one is not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import cli
from pipeline.errors import BadInput
from pipeline.recipe import read_recipe
from pipeline.recipe.experiment import Domain
from pipeline.recipe.experiment_checks import check_experiment, grid_values, is_whole, judged_training, objective_of
from pipeline.recipe.overrides import override
from pipeline.recipe.recipe import check_recipe

MINIMAL = {
    "name": "tiny",
    "data": {"source": {"kind": "jsonl", "path": "x.jsonl", "columns": {"target": "summary"}}, "split": {"salt": "s"}},
    "model": {"family": "t5", "config": {"d_model": 64}},
    "task": {"kind": "summarization"},
    "finetuning": {"steps": 400},
    "registration": {"model": "tiny"},
}
RATE = {"finetuning.learning_rate": {"low": 0.001, "high": 0.1, "log": True}}
PRETRAINED = {"pretraining": {"objective": "span_corruption", "steps": 40}, "finetuning": {"steps": 400}}
EMBEDDING = {
    "task": {"kind": "embedding"},
    "model": {"family": "bert"},
    "data": {"source": {"kind": "jsonl", "path": "x", "columns": {"pair": "b"}}, "split": {"salt": "s"}},
}


def checked(experiment: dict[str, Any], **sections: Any) -> None:
    check_experiment(check_recipe({**MINIMAL, **sections, "experiment": experiment}, "tiny.yaml"), "tiny.yaml")


def searching(field: str, **domain: object) -> dict[str, Any]:
    return {"search": {field: domain}, "trials": 4}


@pytest.mark.parametrize(
    ("experiment", "sections"),
    [
        ({"search": RATE, "trials": 8, "halving": {"rungs": [100, 200], "keep": 0.25}, "budget": {"hours": 2, "tokens": 10**9}}, {}),
        ({"search": RATE, "method": "random", "trials": 8, "objective": "loss", "at_once": 4}, {}),
        (
            {
                "search": {"finetuning.batch": {"values": [8, 16]}, "finetuning.warmup": {"low": 0, "high": 0.5, "step": 0.1}},
                "method": "grid",
            },
            {},
        ),
        (searching("tokenizer.vocabulary", values=[1000, 2000]), {"finetuning": {"steps": 400, "stop_on": "rougeL"}}),
        (searching("pretraining.corrupted", low=0.1, high=0.3), PRETRAINED),
        (searching("model.config.d_model", values=[32, 64]), {}),
    ],
)
def test_what_can_be_searched(experiment: dict[str, Any], sections: dict[str, Any]) -> None:
    checked(experiment, **sections)


@pytest.mark.parametrize(
    ("experiment", "sections", "words"),
    [
        ({"search": {}}, {}, ["experiment.search is empty"]),
        ({"search": RATE}, {}, ["without experiment.trials"]),
        ({"search": RATE, "trials": 4, "method": "bayes"}, {}, ["'grid', 'random' or 'tpe'"]),
        (searching("finetuning.learning_rat", values=[1]), {}, ["did you mean 'finetuning.learning_rate'?"]),
        (searching("finetunin.batch", values=[1]), {}, ["'finetunin'", "did you mean 'finetuning'?"]),
        (searching("pretraining.steps", values=[1]), {}, ["unknown section", "pretraining"]),
        (searching("finetuning.learning_rate", low=0.1, high=1, steps=1), {}, ["did you mean", "learning_rate.step'?"]),
        (searching("data.split.salt", values=["a"]), {}, ["data.split.salt, which a run cannot change"]),
        (searching("model.start", values=["package:a==1"]), {}, ["model.start, which a run cannot change"]),
        (searching("resources.finetuning", values=["gpu-1"]), {}, ["which changes no result"]),
        (searching("finetuning.stop_on", values=["rougeL"]), {}, ["which decides how trials are compared"]),
        (searching("finetuning.until", values=[100]), {}, ["which decides how trials are compared"]),
        (searching("finetuning.batch", values=[8, 0]), {}, ["finetuning.batch = 0", "greater than or equal to 1"]),
        (searching("finetuning.optimizer", values=["adamv"]), {}, ["did you mean 'adamw'?"]),
        (searching("finetuning.dropout", low=0.5, high=1.5), {}, ["finetuning.dropout = 1.5"]),
        (searching("finetuning.batch", values=[]), {}, ["no values"]),
        (searching("finetuning.batch", values=[8, 8]), {}, ["a value twice"]),
        (searching("finetuning.batch", values=[8], low=1), {}, ["both values and a range"]),
        (searching("finetuning.batch", low=1), {}, ["neither values nor low and high"]),
        (searching("finetuning.batch", low=8, high=8), {}, ["low 8 is not below high 8"]),
        (searching("finetuning.l1", low=0, high=1, log=True), {}, ["log with low 0"]),
        (searching("finetuning.batch", low=8, high=64, log=True, step=8), {}, ["log with a step"]),
        (searching("finetuning.batch", low=8, high=16, step=16), {}, ["step 16 is wider"]),
        ({"search": RATE, "method": "grid"}, {}, ["learning_rate has no step"]),
        ({"search": {"finetuning.batch": {"values": [8, 16]}}, "method": "grid", "trials": 4}, {}, ["with a grid of 2"]),
        ({"search": {"finetuning.seed": {"low": 0, "high": 20000, "step": 1}}, "method": "grid"}, {}, ["20001 combinations"]),
        ({"search": RATE, "trials": 4, "objective": "rougeLL"}, {}, ["'rougeLL' is no metric", "rougeL"]),
        ({"search": RATE, "trials": 4, "objective": "f1_macro"}, {}, ["'f1_macro' is no metric", "rougeL"]),
        ({"search": RATE, "trials": 4, "objective": "rougeL"}, {}, ["set finetuning.stop_on: rougeL"]),
        (searching("tokenizer.vocabulary", values=[1000, 2000]), {}, ["a loss of other tokens"]),
        (searching("finetuning.batch", values=[8, 16]), EMBEDDING, ["among another number of texts"]),
        ({"search": RATE, "trials": 4, "halving": {"rungs": [100, 500]}}, {}, ["[100, 500]", "rungs below 400"]),
        ({"search": RATE, "trials": 4, "halving": {"rungs": [1, 2, 3]}}, {"finetuning": {"steps": 2}}, ["[1, 2, 3]", "rungs below 2"]),
        ({"search": RATE, "trials": 4, "halving": {"rungs": [100, 150]}}, {}, ["150, no multiple of finetuning.evaluate_every 100"]),
        ({"search": RATE, "trials": 4, "halving": {"rungs": [200, 100]}}, {}, ["do not ascend"]),
        ({**searching("finetuning.steps", values=[400, 800]), "halving": {"rungs": [100]}}, {}, ["finetuning.steps, which decides"]),
    ],
)
def test_a_wrong_experiment_is_answered_in_one_line(experiment: dict[str, Any], sections: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        checked(experiment, **sections)
    message = str(caught.value)
    assert "\n" not in message
    assert "tiny.yaml" in message
    assert all(word in message for word in words), message


def test_a_file_is_checked_when_it_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({**MINIMAL, "experiment": {"search": {}}}))
    with pytest.raises(BadInput, match=r"tiny\.yaml: experiment\.search is empty"):
        read_recipe(path)
    assert cli.run(["plan", str(path)]) == 2
    assert "experiment.search is empty" in capsys.readouterr().err


def test_a_run_may_change_what_an_experiment_relies_on() -> None:
    experiment = {"search": RATE, "trials": 4, "halving": {"rungs": [100]}}
    recipe = check_recipe({**MINIMAL, "experiment": experiment}, "tiny.yaml")
    assert override(recipe, {"finetuning.steps": 50}).finetuning.steps == 50


@pytest.mark.parametrize(
    ("finetuning", "objective", "found"),
    [
        ({"steps": 1}, None, ("loss", False)),
        ({"steps": 1, "stop_on": "rougeL"}, None, ("rougeL", True)),
        ({"steps": 1, "stop_on": "rougeL"}, "loss", ("loss", False)),
        ({"steps": 1, "stop_on": "perplexity"}, None, ("perplexity", False)),
    ],
)
def test_the_metric_gives_the_direction(finetuning: dict[str, Any], objective: str | None, found: tuple[str, bool]) -> None:
    experiment = {"search": RATE, "trials": 1, "objective": objective}
    recipe = check_recipe({**MINIMAL, "finetuning": finetuning, "experiment": experiment}, "tiny.yaml")
    assert objective_of(recipe) == found
    assert judged_training(recipe) == ("finetuning", recipe.finetuning)


def test_numbers_are_whole_where_the_field_is() -> None:
    recipe = check_recipe(MINIMAL, "tiny.yaml")
    whole = Domain(low=0, high=6, step=2)
    assert grid_values(whole, whole=is_whole(recipe, "finetuning.batch", whole)) == (0, 2, 4, 6)
    assert is_whole(recipe, "model.config.d_model", whole)
    assert not is_whole(recipe, "finetuning.l1", whole)
    tenths = Domain(low=0, high=0.3, step=0.1)
    assert grid_values(tenths, whole=False) == pytest.approx((0, 0.1, 0.2, 0.3))


@pytest.mark.parametrize(
    ("finetuning", "words"),
    [
        ({"steps": 400, "until": 400}, "finetuning.until 400 is not below finetuning.steps 400"),
        ({"steps": 400, "until": 150}, "finetuning.until 150 is no multiple of finetuning.evaluate_every 100"),
    ],
)
def test_a_training_stops_at_a_validation_before_its_end(finetuning: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check_recipe({**MINIMAL, "finetuning": finetuning}, "tiny.yaml")
