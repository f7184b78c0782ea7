"""Builds the TrainJob of an attempt, without side effects, with the Trainer's own models: they refuse what the CRD would refuse.

A TrainJob fills in a TrainingRuntime (`infra/kubernetes/trainer`), which has what all trainings share: the restricted security
context, mounts, and no restarts inside the cluster. Only Airflow retries: a second controller that retries could start a second
training. The TrainJob has what differs: image, command, environment, resources, placement.
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
from pipeline.machine_sizes import processes
from pipeline.placement.container_command import command
from pipeline.placement.container_environment import KEYS
from pipeline.placement.container_image import image_of

if TYPE_CHECKING:
    from pipeline.machine_sizes import MachineSize
    from pipeline.operators.launch import Launch
    from pipeline.settings import Settings

GROUP = "trainer.kubeflow.org"
VERSION = "v1alpha1"
CONTAINER = "node"
"""The Trainer's name for the container, and for the replicated job, that train."""

LONGEST_NAME = 44
"""A pod's name is this, ``-node-0-0-`` and five letters: 59 of 63 characters."""


def render_job(attempt: Launch, machine: MachineSize, settings: Settings) -> dict[str, Any]:
    """Build the manifest of an attempt's TrainJob.

    On several nodes, or with several GPUs, the container starts torchrun. The Trainer sets the variables ``PET_*`` with the address of
    the first node and the index of this one, because the runtime has the torch policy.
    """
    # takes 0.8 s of CPU, which parsing a DAG file need not spend
    from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob as TrainJob

    count = processes(attempt.trains, machine, settings)
    reference = image_of(attempt.image, settings)
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
    """Name by which a retry finds the job; it contains the fingerprint."""
    return pod_name(attempt.request, settings, LONGEST_NAME)


def _keys(stage: str, settings: Settings) -> list[dict[str, Any]]:
    """The stage's keys one by one: a TrainJob cannot refer to a whole Secret."""
    secret = secret_name(stage, settings)
    sources = {name: {"secretKeyRef": {"name": secret, "key": name, "optional": True}} for name in sorted(KEYS.values())}
    return [{"name": name, "valueFrom": source} for name, source in sources.items()] if secret else []


def _patch(stage: str, machine: MachineSize, described: dict[str, Any]) -> dict[str, Any]:
    """What is patched into the runtime's pod; a priority class cannot be patched, so the runtime names one."""
    # the queue admits the job as a whole: with the label its pod would be queued a second time
    labels = {name: value for name, value in described["labels"].items() if name != QUEUE}
    placed = {name: value for name, value in placement(machine).items() if name != "priorityClassName"}
    pod = {
        "metadata": {"labels": labels, "annotations": described["annotations"]},
        "spec": {"serviceAccountName": service_account(stage), "volumes": volumes(machine), **placed},
    }
    replicated = [{"name": CONTAINER, "template": {"spec": {"template": pod}}}]
    return {"manager": "trainshed/launcher", "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": replicated}}}}
