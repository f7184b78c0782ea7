"""Recipes: what is accepted, and what a person reads when one is not."""

from pathlib import Path

import pytest
import yaml

from pipeline.errors import BadInput
from pipeline.recipe import find_recipe, read_recipe
from pipeline.recipe.recipe import check_recipe, override

MINIMAL = {
    "name": "tiny",
    "data": {"source": {"kind": "jsonl", "path": "x.jsonl"}, "split": {"salt": "s"}},
    "model": {"family": "t5"},
    "finetuning": {"task": "summarization", "steps": 10},
    "registration": {"model": "tiny"},
}


def changed(**sections: object) -> dict[str, object]:
    return {**MINIMAL, **sections}


def test_a_minimal_recipe_is_enough(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(MINIMAL))
    recipe = find_recipe("tiny", [tmp_path])
    assert recipe.pretraining is None
    assert recipe.registration.gate.metric == "rougeL"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (changed(finetunning={}), ["finetunning", "did you mean 'finetuning'"]),
        (
            changed(finetuning={"task": "summarization", "steps": 10, "learning_rat": 1}),
            ["finetuning.learning_rat", "'finetuning.learning_rate'"],
        ),
        (
            changed(pretraining={"objective": "causal_lm", "steps": 1, "objectives": 1}),
            ["pretraining.objectives", "'pretraining.objective'"],
        ),
        (changed(finetuning={"task": "summarization"}), ["finetuning.steps", "add finetuning.steps"]),
        (changed(finetuning={"task": "summarization", "steps": -1}), ["finetuning.steps = -1", "greater than or equal to 1"]),
        (changed(name="Not A Name"), ["name = 'Not A Name'"]),
        ([1], ["list", "a mapping"]),
    ],
)
def test_a_wrong_recipe_is_answered_in_one_line(data: object, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        check_recipe(data, "tiny.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_an_unknown_recipe_is_answered_with_the_near_name(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(MINIMAL))
    with pytest.raises(BadInput, match="did you mean 'tiny'"):
        find_recipe("tinny", [tmp_path])


def test_a_file_that_is_no_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text("name: tiny\ndata: [1,\n")
    with pytest.raises(BadInput, match=r"tiny\.yaml is not YAML at line 3"):
        read_recipe(path)


def test_overrides_replace_leaves_and_nothing_else() -> None:
    recipe = check_recipe(MINIMAL, "tiny.yaml")
    changed_recipe = override(recipe, {"finetuning.learning_rate": 0.5})
    assert changed_recipe.finetuning.learning_rate == 0.5
    assert changed_recipe.data == recipe.data


@pytest.mark.parametrize("name", ["finetuning.learning_rat", "finetunin.steps", "data.source.kinds"])
def test_an_override_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="did you mean"):
        override(check_recipe(MINIMAL, "tiny.yaml"), {name: 1})
