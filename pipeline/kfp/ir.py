"""Builds the first document of the file, without side effects: the line as a PipelineSpec, in the JSON form of its protobuf messages.

Each step is one task in an inner DAG. A last task runs after that DAG, whether it succeeded or not, and ends the MLflow run. Tasks pass
references to each other as string parameters; a step that is not part of the run passes an empty string. The id of the run is a parameter
too, because a server fills it in only there. kfp's cache is off: fingerprints, which include the code, decide what has to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.artifacts.types import ArtifactType
from pipeline.launchers.kubernetes.render import resources, variables
from pipeline.lines import Step
from pipeline.machine_sizes import machine, processes
from pipeline.placement.container_image import image_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.machine_sizes import MachineSize
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

SCHEMA = "2.1.0"
SDK = "kfp-2.17.0"
"""The SDK whose format this is; tests validate with it."""

LINE, END = "line", "end"
RECIPE, RUN, REFERENCE = "recipe", "run", "reference"
RETRY = {"maxRetryCount": 5, "backoffDuration": "5s", "backoffFactor": 1.0, "backoffMaxDuration": "5s"}
"""As under Airflow. kfp does not see exit codes, so bad input is retried too; it fails again within seconds."""

UNCACHED = {"enableCache": False}
STRING = {"parameterType": "STRING"}
COMMON = {RECIPE: STRING, RUN: STRING}
RUN_ID = {"runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}}
"""Filled in by kfp: the same in every task and attempt of one run."""


class Placed(NamedTuple):
    """A container of the pipeline and its machine size."""

    stage: str
    """The component."""

    image: str
    """Name of the image that it runs in."""

    machine: MachineSize

    processes: int
    """How many processes train together in it: one for each GPU."""

    reads_source: bool
    """Whether it may need the addresses of databases and the token of the hub."""


def placements(recipe: Recipe, steps: tuple[Step, ...], settings: Settings) -> dict[str, Placed]:
    """Image and machine of each task by id: the steps, and the task that ends the run."""
    sizes = {step.id: machine(recipe.resources.of(step.id, step.component.resources), settings) for step in steps}
    placed = {
        step.id: Placed(
            step.component.name,
            step.component.image_with(step.params.model_dump(mode="json")),
            sizes[step.id],
            processes(step.component.trains, sizes[step.id], settings),
            any(taken.type is ArtifactType.SOURCE for taken in step.component.inputs.values()),
        )
        for step in steps
    }
    # to end a run takes what the last step has: the keys and the library for MLflow
    return {**placed, END: placed[steps[-1].id]}


def pipeline_spec(
    recipe: Recipe, steps: tuple[Step, ...], placed: Mapping[str, Placed], identities: Mapping[str, str], settings: Settings
) -> dict[str, Any]:
    """The PipelineSpec of a recipe's line.

    Args:
        recipe: the recipe, which is part of the pipeline.
        steps: its line.
        placed: image and machine of each task.
        identities: what each step was compiled from, by id; see `pipeline.kfp.identity`.
        settings: images and addresses.
    """
    commands = {step.id: _step_command(recipe, step, identities[step.id], placed[step.id]) for step in steps} | {
        END: _end_command(recipe, steps)
    }
    components = {component(step.id): _step_component(step) for step in steps}
    return {
        "pipelineInfo": {"name": f"trainshed-{recipe.name.replace('_', '-')}", "description": " ".join(recipe.description.split())},
        "schemaVersion": SCHEMA,
        "sdkVersion": SDK,
        "components": {
            **components,
            component(LINE): {
                "dag": {"tasks": {task(step.id): _step_task(step) for step in steps}},
                "inputDefinitions": {"parameters": COMMON},
            },
            component(END): {"executorLabel": executor(END), "inputDefinitions": {"parameters": {RUN: STRING}}},
        },
        "deploymentSpec": {
            "executors": {
                executor(name): {"container": {**_container(placed[name], settings), **command}} for name, command in commands.items()
            }
        },
        "root": {"dag": {"tasks": _root_tasks(recipe)}},
    }


def task(name: str) -> str:
    """Kfp's name of the task, which may have no underscores."""
    return name.replace("_", "-")


def component(name: str) -> str:
    """Kfp's name of the task's component."""
    return f"comp-{task(name)}"


def executor(name: str) -> str:
    """Kfp's name of the task's container."""
    return f"exec-{task(name)}"


def _root_tasks(recipe: Recipe) -> dict[str, Any]:
    return {
        LINE: {
            "componentRef": {"name": component(LINE)},
            "cachingOptions": UNCACHED,
            # as text: kfp's numbers are doubles
            "inputs": {"parameters": {RECIPE: {"runtimeValue": {"constant": recipe.model_dump_json(exclude_none=True)}}, RUN: RUN_ID}},
            "taskInfo": {"name": LINE},
        },
        END: {
            "componentRef": {"name": component(END)},
            "cachingOptions": UNCACHED,
            "dependentTasks": [LINE],
            "inputs": {"parameters": {RUN: RUN_ID}},
            "retryPolicy": RETRY,
            "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
            "taskInfo": {"name": END},
        },
    }


def _step_task(step: Step) -> dict[str, Any]:
    given = {
        name: {"taskOutputParameter": {"producerTask": task(origin.id), "outputParameterKey": REFERENCE}}
        for name, origin in _origins(step).items()
    }
    found = {
        "componentRef": {"name": component(step.id)},
        "cachingOptions": UNCACHED,
        "dependentTasks": sorted({task(origin.id) for origin in step.upstream}),
        "inputs": {"parameters": {**{name: {"componentInputParameter": name} for name in COMMON}, **given}},
        "retryPolicy": RETRY,
        "taskInfo": {"name": task(step.id)},
    }
    return {name: value for name, value in found.items() if value}


def _step_component(step: Step) -> dict[str, Any]:
    described = {
        name: {**STRING, "description": f"Reference to the {step.component.input(name).type}; empty if there is none."}
        for name in _origins(step)
    }
    made = {**STRING, "description": f"Reference to the {step.component.output}; empty if the step is not part of the run."}
    return {
        "executorLabel": executor(step.id),
        "inputDefinitions": {"parameters": {**COMMON, **described}},
        "outputDefinitions": {"parameters": {REFERENCE: made}},
    }


def _step_command(recipe: Recipe, step: Step, identity: str, placed: Placed) -> dict[str, Any]:
    given = [word for name, origin in _origins(step).items() for word in ("--given", f"{origin.id}={_value(name)}")]
    return {
        "command": ["python", "-m", "pipeline.kfp.step"],
        "args": [
            *("--step", step.id),
            *("--run", _run(recipe)),
            *("--recipe", _value(RECIPE)),
            *("--identity", identity),
            *(("--processes", str(placed.processes)) if placed.processes > 1 else ()),
            *given,
            *("--output", f"{{{{$.outputs.parameters['{REFERENCE}'].output_file}}}}"),
        ],
    }


def _end_command(recipe: Recipe, steps: tuple[Step, ...]) -> dict[str, Any]:
    return {
        "command": ["python", "-m", "pipeline.kfp.end"],
        "args": [*("--recipe", recipe.name), *("--run", _run(recipe)), *("--last", steps[-1].id)],
    }


def _container(placed: Placed, settings: Settings) -> dict[str, Any]:
    image = image_of(placed.image, settings)
    return {
        "image": image,
        "env": variables(placed.machine, placed.processes, settings, image),
        "resources": _resources(placed.machine),
    }


def _resources(machine: MachineSize) -> dict[str, Any]:
    """Requests and limits, which are the same, as for a pod of the launcher ``kubernetes``."""
    amounts = resources(machine)["limits"]
    asked: dict[str, Any] = {
        "resourceCpuRequest": amounts["cpu"],
        "resourceCpuLimit": amounts["cpu"],
        "resourceMemoryRequest": amounts["memory"],
        "resourceMemoryLimit": amounts["memory"],
    }
    if machine.gpus:
        asked["accelerator"] = {"resourceType": machine.gpu_resource, "resourceCount": amounts[machine.gpu_resource]}
    return asked


def _origins(step: Step) -> dict[str, Step]:
    """The steps whose references ``step`` gets, by the name of the input in its contract."""
    return {name: origin for name, origin in step.inputs.items() if isinstance(origin, Step)}


def _run(recipe: Recipe) -> str:
    """Name of the run in the store and in MLflow."""
    return f"{recipe.name}-{_value(RUN)}"


def _value(parameter: str) -> str:
    return f"{{{{$.inputs.parameters['{parameter}']}}}}"
