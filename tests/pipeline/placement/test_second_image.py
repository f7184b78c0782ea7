"""A second image of a component: built, placed and checked for those params that need it, with the names of the stage elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from fixtures.task_recipes import task_recipe

import components.ingestion.contract
from components import COMPONENTS
from pipeline.component import Option
from pipeline.generate.component_images import component_images
from pipeline.generate.kubernetes import kubernetes_files
from pipeline.kfp.compile import render
from pipeline.launchers.docker.operator import DockerComponentOperator
from pipeline.launchers.kubernetes.render import render_pod
from pipeline.launchers.trainjob.render import render_job
from pipeline.lines import trace
from pipeline.machine_sizes import machine
from pipeline.operators.launch import Launch
from pipeline.recipe.recipe import check_recipe
from pipeline.runs.request import Request
from pipeline.settings import Settings, load_settings

RECIPE = {
    "name": "second",
    "data": {"source": {"kind": "jsonl", "path": "s3://corpora/a.jsonl", "columns": {"target": "summary"}}, "split": {"salt": "s"}},
    "model": {"family": "t5"},
    "pretraining": {"objective": "span_corruption", "steps": 10},
    "task": {"kind": "summarization"},
    "finetuning": {"steps": 10},
    "registration": {"model": "second"},
}
PRIVATE = Option("data.cleaning.kind", value="private", image="training")
CLEANED = RECIPE | {"data": RECIPE["data"] | {"cleaning": [{"kind": "gopher"}, {"kind": "private", "kinds": ["email"]}]}}
OTHER = RECIPE | {"data": RECIPE["data"] | {"cleaning": [{"kind": "gopher"}]}}


@pytest.fixture(autouse=True)
def optional(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ingestion with one block in its second image."""
    contract = components.ingestion.contract.contract
    monkeypatch.setattr(components.ingestion.contract, "contract", replace(contract, options=(*contract.options, PRIVATE)))


def first_step(values: dict[str, Any]) -> Any:
    return next(step for step in trace(check_recipe(values, "second.yaml")) if step.id == "ingestion")


def launch(values: dict[str, Any]) -> Launch:
    params = first_step(values).params.model_dump(mode="json")
    request = Request(run="r-1", recipe="second", step="ingestion", stage="ingestion", params=params, fingerprint="ab" * 32)
    return Launch("ingestion", "s3://pipeline/runs/r-1/requests/ingestion.json", request, "cpu-small")


@pytest.mark.parametrize(("values", "name"), [(RECIPE, "ingestion"), (OTHER, "ingestion"), (CLEANED, "ingestion-training")])
def test_every_launcher_places_a_step_in_the_image_that_its_params_need(values, name, monkeypatch):
    settings = Settings(images="registry.example/t/{stage}:1.0", launcher="kubernetes", kubernetes_secret="trainshed-{stage}")
    image = f"registry.example/t/{name}:1.0"
    pod = render_pod(launch(values), machine("cpu-small", settings), settings)
    job = render_job(launch(values), machine("cpu-small", settings), settings)
    assert pod["spec"]["containers"][0]["image"] == job["spec"]["trainer"]["image"] == image
    # what it may do is that of the stage
    assert pod["spec"]["serviceAccountName"] == "trainshed-ingestion"
    assert pod["spec"]["containers"][0]["envFrom"][0]["secretRef"]["name"] == "trainshed-ingestion"
    assert pod["spec"]["containers"][0]["command"][-1] == "components.ingestion"
    monkeypatch.setenv("TRAINSHED_IMAGES", settings.images)
    assert load_settings().images == settings.images
    assert DockerComponentOperator(step=first_step(values)).image == image
    recipe = check_recipe(values, "second.yaml")
    pipeline, platform = yaml.safe_load_all(render(recipe, {step.id: "x" for step in trace(recipe)}, settings))
    assert pipeline["deploymentSpec"]["executors"]["exec-ingestion"]["container"]["image"] == image
    executor = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-ingestion"]
    assert executor["secretAsEnv"][0]["secretName"] == "trainshed-ingestion"


def test_the_second_image_is_built_on_its_own_base_and_has_no_account_of_its_own(tmp_path):
    made = [tuple(image) for image in component_images()]
    place = made.index(("ingestion", "ingestion", "light"))
    assert made[place + 1] == ("ingestion-training", "ingestion", "training")
    assert {stage for _, stage, _ in made} == set(COMPONENTS)
    assert not any("ingestion-training" in text for text in kubernetes_files(tmp_path).values())


@pytest.mark.parametrize(
    ("field", "value", "params", "applies"),
    [
        ("a.b", None, {"a": {"b": 1}}, True),
        ("a.b", None, {"a": {"b": None}}, False),
        ("a.b", None, {"a": None}, False),
        ("a.b", None, {}, False),
        ("a.b", "x", {"a": {"b": "x"}}, True),
        ("a.b", "x", {"a": {"b": "y"}}, False),
        ("a.b", "x", {"a": [{"b": "y"}, {"b": "x"}]}, True),
        ("a.b", "x", {"a": [{"b": "y"}, {"c": "x"}, None]}, False),
        ("a.b", "x", {"a": {"b": ["y", "x"]}}, True),
        ("a", None, {"a": []}, False),
        ("a", None, {"a": {}}, True),
        ("a", None, {"a": 0}, True),
    ],
)
def test_an_option_applies_to_a_field_that_is_set_or_has_its_value(field, value, params, applies):
    assert Option(field, value=value).applies_to(params) is applies


def test_only_a_task_that_reads_images_needs_pillow(tmp_path):
    steps = {
        step.id: step.component.image_with(step.params.model_dump(mode="json")) for step in trace(task_recipe("captioning", tmp_path, "a"))
    }
    assert steps["ingestion"] == "ingestion-training"
    assert {steps[name] for name in ("tokenization", "finetuning", "evaluation", "registration")} == {
        "tokenization",
        "finetuning",
        "evaluation",
        "registration",
    }
    # the model is served with what opens images, so its version is known where it is registered, without Pillow
    assert "pillow" in COMPONENTS.load("finetuning").libraries_with({"task": {"image_size": 64}})
    others = trace(task_recipe("tagging", tmp_path, "b"))
    assert {step.component.image_with(step.params.model_dump(mode="json")) for step in others} == {step.component.name for step in others}


def test_an_option_without_an_image_or_with_the_components_own_makes_none():
    contract = COMPONENTS.load("finetuning")
    own = replace(contract, options=(*contract.options, Option("task.kind", image="training")))
    assert own.images == contract.images == {"finetuning": "training"}
    assert own.image_with({"task": {"kind": "chat"}}) == "finetuning"
