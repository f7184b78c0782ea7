"""The line: inputs of each step, calls that do not fit a contract, light imports."""

import subprocess
import sys
from dataclasses import replace

import pytest

from components import COMPONENTS
from components.tokenization import contract as tokenization
from pipeline.component import Params
from pipeline.errors import BadInput
from pipeline.lines import ChampionInput, SourceInput, Steps, trace
from pipeline.recipe import Pretraining, Tokenizer
from pipeline.recipe.recipe import check_recipe
from pipeline.recipe.resources import Resources

RECIPE = {
    "name": "tiny",
    "data": {"source": {"kind": "jsonl", "path": "x.jsonl", "columns": {"target": "summary"}}, "split": {"salt": "s"}},
    "model": {"family": "t5"},
    "pretraining": {"objective": "span_corruption", "steps": 10},
    "task": {"kind": "summarization"},
    "finetuning": {"steps": 10},
    "registration": {"model": "tiny"},
}


def test_the_steps_and_their_inputs() -> None:
    steps = trace(check_recipe(RECIPE, "tiny.yaml"))
    told = {
        step.id: {name: origin.id if hasattr(origin, "id") else type(origin).__name__ for name, origin in step.inputs.items() if origin}
        for step in steps
    }
    assert told == {
        "ingestion": {"source": "SourceInput"},
        "tokenization": {"corpus": "ingestion", "previous": "ChampionInput"},
        "pretraining": {"tokens": "tokenization"},
        "finetuning": {"tokens": "tokenization", "base": "pretraining"},
        "evaluation": {"corpus": "ingestion", "model": "finetuning"},
        "champion_evaluation": {"corpus": "ingestion", "model": "ChampionInput"},
        "registration": {"model": "finetuning", "report": "evaluation", "champion_report": "champion_evaluation"},
    }
    assert isinstance(steps[0].inputs["source"], SourceInput)
    assert isinstance(steps[5].inputs["model"], ChampionInput)


def test_several_machines_may_share_the_cleaning() -> None:
    """They change no fingerprint: ingestion takes their shares as inputs outside its identity, with the same params."""
    steps = {step.id: step for step in trace(check_recipe({**RECIPE, "workers": {"cleaning": 3}}, "tiny.yaml"))}
    alone = {step.id: step for step in trace(check_recipe(RECIPE, "tiny.yaml"))}
    shares = [steps[name] for name in ("cleaning", "cleaning-2", "cleaning-3")]
    assert [(step.params.share.number, step.params.share.of) for step in shares] == [(1, 3), (2, 3), (3, 3)]
    assert list(steps["ingestion"].upstream) == shares
    assert not steps["ingestion"].component.input("cleaned-2").identity
    assert steps.keys() - alone.keys() == {step.id for step in shares}
    assert all(steps[name].params == alone[name].params for name in alone)


def test_several_machines_may_share_the_tokenization() -> None:
    """The tokenizer comes first, and each of them encodes with it; nothing else differs."""
    recipe = {**RECIPE, "data": {**RECIPE["data"], "checks": {}}, "model": {"start": "x"}}
    steps = {step.id: step for step in trace(check_recipe({**recipe, "workers": {"tokenization": 2}}, "tiny.yaml"))}
    alone = {step.id: step for step in trace(check_recipe(recipe, "tiny.yaml"))}
    encoding = [steps["encoding"], steps["encoding-2"]]
    assert [(step.params.share.number, step.params.share.of) for step in encoding] == [(1, 2), (2, 2)]
    assert [step.id for step in steps["tokenizer"].upstream] == ["ingestion", "data_check", "model_import"]
    assert all([origin.id for origin in step.upstream] == ["ingestion", "tokenizer"] for step in encoding)
    tokens = steps["tokenization"]
    assert tokens.upstream[-3:] == (steps["tokenizer"], *encoding)
    assert not any(tokens.component.input(name).identity for name in ("tokenizer", "encoded", "encoded-2"))
    assert steps.keys() - alone.keys() == {"tokenizer", "encoding", "encoding-2"}
    assert all(steps[name].params == alone[name].params for name in alone)


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        ({"cleaning": 1}, r"workers\.cleaning = 1; expected greater than or equal to 2"),
        ({"tokenization": 65}, r"workers\.tokenization = 65; expected less than or equal to 64"),
        ({"tokenization": "many"}, r"workers\.tokenization = 'many'; expected a valid integer"),
        ({"tokenisation": 2}, r"workers\.tokenisation'; .*did you mean 'workers\.tokenization'"),
        ({}, r"workers = {}; expected a number of machines for cleaning or tokenization; fix: correct workers"),
    ],
)
def test_a_wrong_number_of_machines_is_refused(workers: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        check_recipe({**RECIPE, "workers": workers}, "tiny.yaml")


def test_test_texts_are_steps_of_their_own_that_nothing_about_training_changes() -> None:
    own = {"kind": "jsonl", "path": "tests.jsonl", "columns": {"target": "summary"}}
    other = {"kind": "jsonl", "path": "quiz.jsonl"}
    against = [{"name": "quiz", "source": other}, {"name": "more", "source": {**other, "path": "more.jsonl"}}]
    data = {**RECIPE["data"], "test_source": own, "decontamination": {"against": against}}
    labelled = {"source": own, "max_drop": 1.0}
    recipe = {**RECIPE, "workers": {"cleaning": 2}, "monitor": {"labelled": labelled}}
    steps = {step.id: step for step in trace(check_recipe({**recipe, "data": data}, "tiny.yaml"))}
    ingestion = steps["ingestion"]
    assert [ingestion.inputs[name].id for name in ("test_set", "against", "against-2")] == ["test_set", "benchmark", "benchmark-2"]
    assert steps["benchmark-2"].params.task is None
    assert steps["test_set"].params.task.kind == "summarization"
    changed = {**data, "split": {"salt": "other"}, "deduplication": {}, "decontamination": {"against": against[:1], "ngram": 8}}
    later = {step.id: step for step in trace(check_recipe({**recipe, "data": changed}, "tiny.yaml"))}
    assert all(later[name].params == steps[name].params for name in ("test_set", "benchmark"))
    plain = {step.id: step for step in trace(check_recipe(recipe, "tiny.yaml"))}
    assert steps["cleaning"].params == plain["cleaning"].params, "no chunk depends on them"
    fresh = {step.id: step for step in trace(check_recipe({**recipe, "data": data}, "tiny.yaml"), "monitor")}
    assert fresh["ingestion"].params.data.test_source is fresh["ingestion"].params.data.decontamination is None


def test_a_recipe_may_leave_pretraining_out() -> None:
    steps = trace(check_recipe({**RECIPE, "pretraining": None}, "tiny.yaml"))
    assert "pretraining" not in [step.id for step in steps]
    assert next(step for step in steps if step.id == "finetuning").inputs["base"] is None


def test_without_finetuning_the_pretrained_model_is_evaluated_and_registered() -> None:
    changes = {"model": {"family": "gpt2"}, "pretraining": {"objective": "causal_lm", "steps": 1}, "task": {"kind": "language_model"}}
    steps = {step.id: step for step in trace(check_recipe({**RECIPE, **changes, "finetuning": None}, "tiny.yaml"))}
    assert "finetuning" not in steps
    assert steps["evaluation"].inputs["model"] is steps["registration"].inputs["model"] is steps["pretraining"]
    assert steps["pretraining"].params.task.kind == "language_model"
    assert trace(check_recipe(RECIPE, "tiny.yaml"))[2].params.task is None, "a base model does not depend on the task"


def test_a_start_is_imported_and_read_by_tokenization_training_and_evaluation() -> None:
    for pretraining, base in ((None, "model_import"), (RECIPE["pretraining"], "pretraining")):
        steps = {
            step.id: step for step in trace(check_recipe({**RECIPE, "model": {"start": "x"}, "pretraining": pretraining}, "tiny.yaml"))
        }
        assert isinstance(steps["model_import"].inputs["source"], SourceInput)
        readers = {name: step.inputs["base"].id for name, step in steps.items() if step.inputs.get("base")}
        imported = dict.fromkeys(("tokenization", *(["pretraining"] if pretraining else []), "evaluation"), "model_import")
        assert readers == {**imported, "finetuning": base}


def test_a_champion_is_a_start_without_an_import() -> None:
    steps = {step.id: step for step in trace(check_recipe({**RECIPE, "model": {"start": "models:/tiny@champion"}}, "tiny.yaml"))}
    assert "model_import" not in steps
    assert steps["finetuning"].inputs["base"] is steps["pretraining"]
    assert steps["tokenization"].inputs["base"] == ChampionInput("tiny", needed=True)
    assert steps["champion_evaluation"].inputs["base"] is None


def test_each_input_fits_its_contract() -> None:
    for step in trace(check_recipe(RECIPE, "tiny.yaml")):
        assert step.inputs.keys() == step.component.inputs.keys()
        for upstream in step.upstream:
            names = [name for name, origin in step.inputs.items() if origin is upstream]
            assert all(step.component.inputs[name].type is upstream.component.output for name in names)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda step, recipe, _: step("ingestio", recipe.data), "unknown component 'ingestio'.*did you mean 'ingestion'"),
        (
            lambda step, recipe, corpus: step("tokenization", recipe.tokenizer, recipe.task, None, corpos=corpus),
            "'corpos'.*did you mean 'corpus'",
        ),
        (lambda step, recipe, _: step("tokenization", recipe.tokenizer), "input corpus of step tokenization is missing; expected a corpus"),
        (
            lambda step, recipe, corpus: step("evaluation", recipe.task, recipe.evaluation, corpus=corpus, model=corpus),
            "input model of step evaluation is corpus; expected a model",
        ),
        (
            lambda step, recipe, corpus: step("tokenization", recipe.model, recipe.task, None, corpus=corpus),
            "params of step tokenization: Model, Summarization, None; expected sections for tokenizer, task, weights",
        ),
        (
            lambda step, recipe, corpus: step("tokenization", recipe.tokenizer, recipe.model, None, corpus=corpus),
            "params of step tokenization: Tokenizer, Model, None; expected sections for tokenizer, task, weights",
        ),
        (
            lambda step, recipe, corpus: step("tokenization", None, recipe.task, None, corpus=corpus),
            "params of step tokenization: None, Summarization, None; expected sections for tokenizer, task, weights",
        ),
        (lambda step, recipe, _: step("ingestion", recipe.data, recipe.task, source=step.pin(recipe.data.source)), "two steps 'ingestion'"),
    ],
)
def test_a_call_that_does_not_fit_the_contract_is_refused(call, words) -> None:
    recipe = check_recipe(RECIPE, "tiny.yaml")
    step = Steps()
    corpus = step("ingestion", recipe.data, recipe.task, source=step.pin(recipe.data.source))
    with pytest.raises(BadInput, match=words):
        call(step, recipe, corpus)


class TokenizationOfABase(Params):
    """Params of which one section is optional."""

    tokenizer: Tokenizer
    """The section that is required."""

    pretraining: Pretraining | None
    """The section that a recipe may leave out."""


@pytest.mark.parametrize("recipe", [RECIPE, {**RECIPE, "pretraining": None}], ids=["given", "left out"])
def test_a_section_may_be_optional_in_a_contract(recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenization, "contract", replace(tokenization.contract, params=TokenizationOfABase))
    checked, step = check_recipe(recipe, "tiny.yaml"), Steps()
    corpus = step("ingestion", checked.data, checked.task, source=step.pin(checked.data.source))
    params = step("tokenization", checked.tokenizer, checked.pretraining, corpus=corpus).params
    assert params == TokenizationOfABase(tokenizer=checked.tokenizer, pretraining=checked.pretraining)
    with pytest.raises(BadInput, match="params of step again: None, Pretraining; expected sections for tokenizer, pretraining"):
        step("tokenization", None, Pretraining(objective="causal_lm", steps=1), step_id="again", corpus=corpus)


def test_contracts_line_and_recipes_import_light() -> None:
    heavy = {"torch", "transformers", "mlflow", "boto3", "pandas", "numpy", "airflow", "pyarrow"}
    contracts = [row.partition(":")[0] for row in COMPONENTS.values()]
    code = f"import sys, pipeline.lines, pipeline.recipe, pipeline.sources, {', '.join(contracts)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(contracts) <= set(loaded)
    assert not heavy & set(loaded)


def seeds_of(count: int | None, **changes):
    gate = {"model": "tiny", "gate": {"seeds": count}}
    return {step.id: step for step in trace(check_recipe({**RECIPE, "registration": gate, **changes}, "tiny.yaml"))}


def test_further_training_seeds_repeat_everything_that_trains_and_share_the_rest() -> None:
    steps = seeds_of(3)
    assert list(steps) == [
        *("ingestion", "tokenization", "pretraining", "finetuning", "pretraining-2", "finetuning-2", "pretraining-3", "finetuning-3"),
        *("evaluation", "evaluation-2", "evaluation-3", "champion_evaluation", "champion_evaluation-2", "champion_evaluation-3"),
        "registration",
    ]
    one = seeds_of(None)
    assert seeds_of(1).keys() == one.keys()
    for name in ("pretraining", "finetuning"):
        params = [getattr(steps[f"{name}{suffix}"].params, name) for suffix in ("", "-2", "-3")]
        assert [each.seed for each in params] == [0, 1, 2]
        assert {each.model_copy(update={"seed": 0}) for each in params} == {getattr(one[name].params, name)}
        assert [step.emits for step in (steps[name], steps[f"{name}-2"])] == [one[name].emits, ()]
    assert steps["finetuning-2"].inputs["base"] is steps["pretraining-2"]
    assert steps["finetuning-2"].inputs["tokens"] is steps["tokenization"]
    assert steps["evaluation-2"].inputs["model"] is steps["finetuning-2"]
    assert steps["champion_evaluation-3"].inputs["model"] == ChampionInput("tiny", seed=3)
    assert {name: origin.id for name, origin in steps["registration"].inputs.items()} == {
        "model": "finetuning",
        "report": "evaluation",
        "report-2": "evaluation-2",
        "report-3": "evaluation-3",
        "champion_report": "champion_evaluation",
        "champion_report-2": "champion_evaluation-2",
        "champion_report-3": "champion_evaluation-3",
    }


def test_a_trial_trains_one_seed() -> None:
    recipe = check_recipe({**RECIPE, "registration": {"model": "tiny", "gate": {"seeds": 3}}}, "tiny.yaml")
    assert [step.id for step in trace(recipe, "trial")] == ["ingestion", "tokenization", "pretraining", "finetuning"]


def test_only_an_input_that_takes_several_is_given_several() -> None:
    recipe, step = check_recipe(RECIPE, "tiny.yaml"), Steps()
    corpus = step("ingestion", recipe.data, recipe.task, source=step.pin(recipe.data.source))
    with pytest.raises(BadInput, match="input corpus of step tokenization is 2 artifacts; expected one"):
        step("tokenization", recipe.tokenizer, recipe.task, None, corpus=[corpus, corpus])
    tokens = step("tokenization", recipe.tokenizer, recipe.task, None, corpus=[corpus])
    model = step("finetuning", recipe.model, recipe.task, recipe.finetuning, tokens=tokens)
    with pytest.raises(BadInput, match="input report of step registration is missing; expected a report"):
        step("registration", recipe.registration, model=model, report=[])
    with pytest.raises(BadInput, match="input report of step registration is corpus; expected a report"):
        step("registration", recipe.registration, model=model, report=[corpus])


def test_the_second_artifact_of_an_input_has_its_contract() -> None:
    contract = COMPONENTS.load("registration")
    assert contract.input("report-2") is contract.input("report-12") is contract.inputs["report"]
    for name in ("report-1", "report-", "report-x", "model-2", "other"):
        with pytest.raises(KeyError):
            contract.input(name)


def test_further_seeds_run_on_the_machine_of_the_first() -> None:
    resources = Resources.model_validate({"finetuning": "gpu-8", "finetuning-3": "gpu-1"})
    sizes = [resources.of(step, "cpu-small") for step in ("finetuning", "finetuning-2", "finetuning-3", "pretraining-2", "evaluation")]
    assert sizes == ["gpu-8", "gpu-8", "gpu-1", "cpu-small", "cpu-small"]
