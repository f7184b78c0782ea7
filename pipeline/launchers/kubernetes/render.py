"""Builds the pod spec of an attempt, without side effects: tests compare and validate it without a cluster.

Every pod meets the *restricted* Pod Security Standard. Its root file system is read-only; the cache and temporary files are on
ephemeral volumes with a size limit. Requests equal limits: the pod is in the class *Guaranteed*, which is evicted last when its node
runs short. Keys are references to a Secret, never values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput
from pipeline.launchers.check_sizes import check_nodes
from pipeline.launchers.kubernetes.pod_name import label_value, pod_name
from pipeline.launchers.kubernetes.record import RECORD
from pipeline.machine_sizes import processes
from pipeline.placement.container_command import command
from pipeline.placement.container_environment import SCRATCH, component_variables
from pipeline.placement.container_image import image_of

if TYPE_CHECKING:
    from pipeline.machine_sizes import MachineSize
    from pipeline.operators.launch import Launch
    from pipeline.settings import Settings

CONTAINER = "component"
QUEUE = "kueue.x-k8s.io/queue-name"
USER = 10001
TEMPORARY = "/tmp"  # noqa: S108 - of the container, which nobody shares
TEMPORARY_MB = 1024
GRACE_S = 120
"""Seconds between SIGTERM and SIGKILL: enough to finish a step and commit a checkpoint."""

HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
MOUNTS = [
    {"name": "scratch", "mountPath": SCRATCH},
    {"name": "temporary", "mountPath": TEMPORARY},
    {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108 - of the container, which nobody shares
]
POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    # makes the ephemeral volumes writable for a user other than root
    "fsGroup": USER,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}


def render_pod(attempt: Launch, machine: MachineSize, settings: Settings) -> dict[str, Any]:
    """Build the manifest of an attempt's pod.

    Raises:
        BadInput: the machine size has several nodes; a pod is on one.
    """
    check_nodes(machine, RECORD.name)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(attempt, machine, settings),
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": service_account(attempt.stage),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            # the component is not process 1 then, for which the kernel drops SIGTERM as long as Python has no handler
            "shareProcessNamespace": True,
            "terminationGracePeriodSeconds": GRACE_S,
            "securityContext": POD_SECURITY,
            "containers": [_container(attempt, machine, settings)],
            "volumes": volumes(machine),
            **placement(machine),
        },
    }


def service_account(stage: str) -> str:
    """Name of a stage's service account: each stage has its own, with the least rights it needs."""
    return f"trainshed-{stage.replace('_', '-')}"  # Kubernetes takes no underscore in a name


def variables(machine: MachineSize, count: int, settings: Settings, reference: str) -> list[dict[str, str]]:
    """The container's environment variables without keys; ``count`` processes share its cores."""
    # a process sees all cores of its node, whatever its limit: without this number torch would start one thread for each core
    known = {"TRAINSHED_THREADS": str(max(1, int(machine.cpus) // count)), **component_variables(settings).public}
    _, pinned, digest = reference.partition("@")
    if pinned:
        known["TRAINSHED_IMAGE_DIGEST"] = digest
    return [{"name": name, "value": value} for name, value in sorted(known.items())]


def secret_name(stage: str, settings: Settings) -> str:
    """Name of the Secret with a stage's keys; empty if pods get their identity from the cluster.

    Raises:
        BadInput: the setting has another name than ``stage`` in braces.
    """
    try:
        return settings.kubernetes_secret.format(stage=stage.replace("_", "-"))
    except (KeyError, IndexError, ValueError) as error:
        raise BadInput(
            f"TRAINSHED_KUBERNETES_SECRET = {settings.kubernetes_secret!r}", "a name, with {stage} where the stage differs", "correct it"
        ) from error


def _secret_source(stage: str, settings: Settings) -> list[dict[str, Any]]:
    name = secret_name(stage, settings)
    return [{"secretRef": {"name": name}}] if name else []


def resources(machine: MachineSize) -> dict[str, dict[str, str]]:
    """Requests and limits, which are the same."""
    amounts = {
        "cpu": f"{round(machine.cpus * 1000)}m",
        "memory": f"{machine.memory_mb}Mi",
        "ephemeral-storage": f"{machine.scratch_mb + TEMPORARY_MB}Mi",
    }
    if machine.gpus:
        amounts[machine.gpu_resource] = str(machine.gpus)
    return {"requests": amounts, "limits": dict(amounts)}


def placement(machine: MachineSize) -> dict[str, Any]:
    """The pod's fields that choose nodes and priority."""
    fields = {
        "nodeSelector": machine.node_selector,
        "tolerations": [toleration.model_dump(exclude_none=True) for toleration in machine.tolerations],
        "affinity": machine.affinity,
        "priorityClassName": machine.priority_class,
    }
    return {name: value for name, value in fields.items() if value}


def metadata(attempt: Launch, machine: MachineSize, settings: Settings) -> dict[str, Any]:
    """Name, labels and annotations: they say what the pod works on."""
    request = attempt.request
    labels = {
        "app.kubernetes.io/name": "trainshed",
        "app.kubernetes.io/component": attempt.stage,
        "app.kubernetes.io/managed-by": "airflow",
        "trainshed/run": label_value(request.run),
        "trainshed/step": label_value(request.step),
        "trainshed/fingerprint": label_value(request.fingerprint),
    }
    if machine.queue:
        labels[QUEUE] = machine.queue
    return {
        "name": pod_name(request, settings),
        "namespace": settings.kubernetes_namespace,
        "labels": labels,
        "annotations": {
            "trainshed/run": request.run,
            "trainshed/request": attempt.request_uri,
            "trainshed/fingerprint": request.fingerprint,
            "trainshed/machine": machine.name,
            # an autoscaler that removes nodes would lose the work since the last checkpoint
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        },
    }


def _container(attempt: Launch, machine: MachineSize, settings: Settings) -> dict[str, Any]:
    reference = image_of(attempt.image, settings)
    count = processes(attempt.trains, machine, settings)
    return {
        "name": CONTAINER,
        "image": reference,
        "command": command(attempt.stage, count),
        "args": ["--request", attempt.request_uri],
        "env": variables(machine, count, settings, reference),
        "envFrom": _secret_source(attempt.stage, settings),
        "resources": resources(machine),
        "securityContext": HARDENED,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": MOUNTS,
    }


def volumes(machine: MachineSize) -> list[dict[str, Any]]:
    """The writable volumes; they are removed with the pod."""
    return [
        {"name": "scratch", "emptyDir": {"sizeLimit": f"{machine.scratch_mb}Mi"}},
        {"name": "temporary", "emptyDir": {"sizeLimit": f"{TEMPORARY_MB}Mi"}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": f"{machine.shared_memory_mb}Mi"}},
    ]
