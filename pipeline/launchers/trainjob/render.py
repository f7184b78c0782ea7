"""What the TrainJob of an attempt is: pure, and built with the Trainer's own models, which refuse what its CRD would.

A TrainJob fills in a TrainingRuntime. What is the same for every training stands in that (`infra/kubernetes/trainer`): the
restricted security context, mounts, and that nothing is restarted inside the cluster. Retries are Airflow's alone: a second
authority over them would make two trainings. What differs stands here: image, command, environment, amounts, placement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.launchers.kubernetes.pod_name import pod_name
from pipeline.launchers.kubernetes.render import (
    QUEUE,
    metadata,
    placement,
    resources,
    secret_name,
    service_account,
    variables,
    volumes,
)
from pipeline.placement.container_command import command
from pipeline.placement.container_environment import KEYS
from pipeline.placement.container_image import image_of
from pipeline.placement.machine_sizes import processes

if TYPE_CHECKING:
    from pipeline.operators.launch import Launch
    from pipeline.placement.machine_sizes import MachineSize
    from pipeline.settings import Settings

GROUP = "trainer.kubeflow.org"
VERSION = "v1alpha1"
CONTAINER = "node"
"""What the Trainer calls the container and the replicated job that train."""

LONGEST_NAME = 44
"""The pod's name is this, ``-node-0-0-`` and five letters: 59 of 63."""


def render_job(attempt: Launch, machine: MachineSize, settings: Settings) -> dict[str, Any]:
    """The manifest of an attempt's TrainJob.

    On several nodes, or with several GPUs, the container starts torchrun; where the nodes meet and which one this is, the Trainer
    tells it in variables (``PET_*``), because the runtime has the torch policy.
    """
    # 0.8 s of CPU, which a DAG file that is parsed again and again need not spend
    from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob as TrainJob

    count = processes(attempt.trains, machine, settings)
    reference = image_of(attempt.stage, settings)
    described = metadata(attempt, machine, settings)
    manifest = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainJob",
        "metadata": {**described, "name": job_name(attempt, settings)},
        "spec": {
            "runtimeRef": {"apiGroup": GROUP, "kind": "TrainingRuntime", "name": settings.trainjob_runtime},
            "trainer": {
                "image": reference,
                "command": command(attempt.stage, count, machine.nodes),
                "args": ["--request", attempt.request_uri],
                "env": [*variables(machine, count, settings, reference), *_keys(attempt.stage, settings)],
                "numNodes": machine.nodes,
                "numProcPerNode": count,
                "resourcesPerNode": resources(machine),
            },
            "runtimePatches": [_patch(attempt.stage, machine, described)],
        },
    }
    made: dict[str, Any] = TrainJob.from_dict(manifest).to_dict()
    return made


def job_name(attempt: Launch, settings: Settings) -> str:
    """Name by which a retry finds the job; it holds the fingerprint."""
    return pod_name(attempt.request, settings, LONGEST_NAME)


def _keys(stage: str, settings: Settings) -> list[dict[str, Any]]:
    """The stage's keys one by one: a TrainJob cannot take a whole Secret."""
    secret = secret_name(stage, settings)
    sources = {name: {"secretKeyRef": {"name": secret, "key": name, "optional": True}} for name in sorted(KEYS.values())}
    return [{"name": name, "valueFrom": source} for name, source in sources.items()] if secret else []


def _patch(stage: str, machine: MachineSize, described: dict[str, Any]) -> dict[str, Any]:
    """What is put into the runtime's pod; a priority class cannot be, so the runtime names one."""
    # the queue admits the job as a whole: on its pod the label would ask for it a second time
    labels = {name: value for name, value in described["labels"].items() if name != QUEUE}
    placed = {name: value for name, value in placement(machine).items() if name != "priorityClassName"}
    pod = {
        "metadata": {"labels": labels, "annotations": described["annotations"]},
        "spec": {"serviceAccountName": service_account(stage), "volumes": volumes(machine), **placed},
    }
    replicated = [{"name": CONTAINER, "template": {"spec": {"template": pod}}}]
    return {"manager": "trainshed/launcher", "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": replicated}}}}
