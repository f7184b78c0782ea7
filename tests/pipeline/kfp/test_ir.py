"""What is compiled: compared with a golden copy, held against the line, read by the kfp SDK.

After a change that is meant: ``GOLDEN=write pytest tests/pipeline/kfp/test_ir.py``, and read the diff.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fixtures.kfp import in_kfp, needs_kfp
from fixtures.shipped import RECIPES
from pydantic import SecretStr

from pipeline.errors import BadInput
from pipeline.kfp.compile import compile_recipe, render
from pipeline.kfp.identity import check_identity, identity_of
from pipeline.kfp.ir import RETRY
from pipeline.lines import Step, trace
from pipeline.operators.exit_codes import RETRIES, RETRY_DELAY
from pipeline.recipe import Recipe, read_recipe
from pipeline.recipe.overrides import override
from pipeline.recipe.recipe import check_recipe
from pipeline.settings import Settings

GOLDEN = Path(__file__).parent / "golden" / "tiny.yaml"
SECRETS = {"s3_access_key": "planted-access-key", "s3_secret_key": "planted-secret-key", "mlflow_password": "planted-password"}
RECIPE = {
    "name": "tiny_one",
    "description": "As small as it gets.",
    "data": {"source": {"kind": "jsonl", "path": "s3://corpora/tiny.jsonl", "columns": {"target": "summary"}}, "split": {"salt": "s"}},
    "model": {"family": "t5"},
    "pretraining": {"objective": "span_corruption", "steps": 10},
    "task": {"kind": "summarization"},
    "finetuning": {"steps": 10},
    "registration": {"model": "tiny"},
    "resources": {"evaluation": "cpu-large"},
}


TWO_SEEDS = {"registration": {"model": "tiny", "gate": {"seeds": 2}}}


def recipe(**changes) -> Recipe:
    return check_recipe({**RECIPE, **changes}, "tiny_one.yaml")


def settings(**changes) -> Settings:
    values = {
        "images": "registry.example/trainshed/{stage}:1.0",
        "container_s3_endpoint": "http://s3.storage:8333",
        "container_mlflow_uri": "http://mlflow:5000",
        **{name: SecretStr(value) for name, value in SECRETS.items()},
    }
    return Settings(**{**values, **changes})


def rendered(given: Recipe | None = None, **changes) -> str:
    given = given or recipe()
    # what the code is today would make the copy stale with every edit of it
    return render(given, {step.id: f"identity of {step.id}" for step in trace(given)}, settings(**changes))


def test_the_file_is_the_golden_copy() -> None:
    text = rendered()
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize(
    "changes",
    [{}, {"pretraining": None}, {"model": {"start": "s3://bases/t5"}}, {"model": {"start": "models:/tiny@champion"}}, TWO_SEEDS],
)
def test_tasks_and_edges_are_those_of_the_line(changes: dict) -> None:
    given = recipe(**changes)
    ir, _ = yaml.safe_load_all(rendered(given))
    tasks = ir["components"]["comp-line"]["dag"]["tasks"]
    wanted = {}
    for step in trace(given):
        origins = {name: origin.id.replace("_", "-") for name, origin in step.inputs.items() if isinstance(origin, Step)}
        wanted[step.id.replace("_", "-")] = (origins, sorted(set(origins.values())))
    told = {}
    for name, task in tasks.items():
        parameters = {key: value for key, value in task["inputs"]["parameters"].items() if key not in {"recipe", "run"}}
        given_to = {key: value["taskOutputParameter"]["producerTask"] for key, value in parameters.items()}
        told[name] = (given_to, task.get("dependentTasks", []))
    assert told == wanted


def test_the_recipe_travels_whole_and_kfp_caches_nothing() -> None:
    ir, _ = yaml.safe_load_all(rendered())
    root = ir["root"]["dag"]["tasks"]
    told = root["line"]["inputs"]["parameters"]["recipe"]["runtimeValue"]["constant"]
    assert check_recipe(json.loads(told), "the file") == recipe()
    for task in [*root.values(), *ir["components"]["comp-line"]["dag"]["tasks"].values()]:
        assert task["cachingOptions"] == {"enableCache": False}


def test_a_step_has_the_machine_of_its_recipe_or_else_of_its_contract() -> None:
    ir, platform = yaml.safe_load_all(rendered())
    asked = {name: executor["container"]["resources"] for name, executor in ir["deploymentSpec"]["executors"].items()}
    assert asked["exec-evaluation"]["resourceCpuLimit"] == "16000m"
    assert "accelerator" not in asked["exec-evaluation"]
    assert asked["exec-champion-evaluation"]["accelerator"] == {"resourceType": "nvidia.com/gpu", "resourceCount": "1"}
    nodes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert nodes["exec-pretraining"]["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert nodes.keys() == asked.keys()


def test_each_gpu_of_a_machine_that_trains_has_a_process() -> None:
    large = override(recipe(), {"resources.pretraining": "gpu-8", "resources.evaluation": "gpu-8"})
    ir, _ = yaml.safe_load_all(rendered(large))
    containers = {name: executor["container"] for name, executor in ir["deploymentSpec"]["executors"].items()}
    arguments = containers["exec-pretraining"]["args"]
    assert arguments[arguments.index("--processes") + 1] == "8"
    assert {"name": "TRAINSHED_THREADS", "value": "12"} in containers["exec-pretraining"]["env"]
    assert "--processes" not in containers["exec-evaluation"]["args"]
    assert "--processes" not in rendered(large, device="cpu")


def test_no_key_stands_in_the_file() -> None:
    text = rendered()
    assert not [secret for secret in SECRETS.values() if secret in text]
    assert "secretAsEnv" in text
    assert "secretAsEnv" not in rendered(kubernetes_secret="")


def test_only_what_reads_a_source_gets_the_keys_of_sources() -> None:
    _, platform = yaml.safe_load_all(rendered())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    given = {name: {key["envVar"] for key in executor["secretAsEnv"][0]["keyToEnv"]} for name, executor in executors.items()}
    assert [name for name, keys in given.items() if keys & {"TRAINSHED_DATABASES", "HF_TOKEN"}] == ["exec-ingestion"]
    assert {"TRAINSHED_DATABASES", "HF_TOKEN"} < given["exec-ingestion"]


def test_a_machine_is_told_as_far_as_kfp_has_words_for_it(tmp_path: Path) -> None:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    size = {"cpus": 0.5, "memory_mb": 512, "scratch_mb": 1024, "node_selector": {"disk": "fast"}, "affinity": affinity, "queue": "nightly"}
    path = tmp_path / "machines.yaml"
    path.write_text(yaml.safe_dump(dict.fromkeys(("cpu-small", "cpu-large", "gpu-1"), size)))
    text = rendered(machines=path)
    placed = list(yaml.safe_load_all(text))[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-ingestion"]
    assert placed["nodeSelector"] == {"labels": {"disk": "fast"}}
    assert placed["nodeAffinity"][0]["nodeAffinityJson"]["runtimeValue"]["constant"] == affinity["nodeAffinity"]
    assert placed["podMetadata"] == {"labels": {"kueue.x-k8s.io/queue-name": "nightly"}}


def test_a_size_of_several_nodes_and_an_unknown_one_are_refused() -> None:
    with pytest.raises(BadInput, match="machine size 'gpu-8x2' is 2 nodes"):
        compile_recipe(override(recipe(), {"resources.pretraining": "gpu-8x2"}), settings())
    with pytest.raises(BadInput, match="did you mean 'gpu-8'"):
        compile_recipe(override(recipe(), {"resources.pretraining": "gpu8"}), settings())


def test_a_store_that_no_container_sees_is_refused() -> None:
    with pytest.raises(BadInput, match="the store is file:///tmp/here, which containers cannot read"):
        compile_recipe(recipe(), settings(store="file:///tmp/here"))


def test_retries_are_those_of_airflow() -> None:
    assert (RETRY["maxRetryCount"], RETRY["backoffDuration"]) == (RETRIES, f"{RETRY_DELAY.seconds}s")


def test_an_identity_follows_what_decides_the_result() -> None:
    first, second = (trace(override(recipe(), {"finetuning.seed": seed})) for seed in (1, 2))
    before, after = ({step.id: identity_of(step) for step in steps} for steps in (first, second))
    assert [step for step in before if before[step] != after[step]] == ["finetuning"]
    check_identity(first[0], before["ingestion"])
    with pytest.raises(BadInput, match="rebuild the image"):
        check_identity(second[3], before["finetuning"])


VALIDATE = """
import sys, yaml
from google.protobuf.json_format import ParseDict
from kfp import compiler, components
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2 as spec
path, copy = sys.argv[1:]
ir, platform = yaml.safe_load_all(open(path))
loaded = components.load_component_from_file(path)
assert loaded.component_spec.implementation.graph is not None
assert loaded.pipeline_spec == ParseDict(ir, spec.PipelineSpec())
ParseDict(platform, spec.PlatformSpec())
executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
for name, executor in ir["deploymentSpec"]["executors"].items():
    ParseDict(executor, spec.PipelineDeploymentConfig.ExecutorSpec())
    ParseDict(executors[name], kubernetes.KubernetesExecutorConfig())
compiler.Compiler().compile(loaded, copy)
again, _ = yaml.safe_load_all(open(copy))
assert ParseDict(again, spec.PipelineSpec()) == loaded.pipeline_spec
print(loaded.name)
"""


@needs_kfp
@pytest.mark.parametrize("name", [*RECIPES, "tiny_one", "two_seeds"])
def test_the_kfp_sdk_reads_it_and_writes_the_same(name: str, tmp_path: Path) -> None:
    """Protobuf refuses a field it does not know, at every depth that is not free-form; those are read by message of their own."""
    own = {"tiny_one": {}, "two_seeds": {"name": "two_seeds", **TWO_SEEDS}}
    given = recipe(**own[name]) if name in own else read_recipe(Settings().dags_folder / "recipes" / f"{name}.yaml")
    path = tmp_path / f"{name}.yaml"
    path.write_text(compile_recipe(given, settings()))
    assert in_kfp("-c", VALIDATE, str(path), str(tmp_path / "copy.yaml")).strip() == f"trainshed-{name.replace('_', '-')}"


def test_neither_airflow_nor_torch_nor_kfp_is_needed_to_compile() -> None:
    code = "import sys, pipeline.kfp.compile, pipeline.kfp.step, pipeline.kfp.end; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"airflow", "torch", "kfp", "docker", "kubernetes", "mlflow"} & set(loaded)
