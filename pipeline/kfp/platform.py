"""Builds the second document of the file, without side effects: the Kubernetes settings of each container. kfp's local runners ignore it.

Keys are references to the stage's Secret, as in pods of the launcher ``kubernetes``. kfp has no field for a priority class or for
affinity between pods: those of a machine size are ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.kfp.ir import executor
from pipeline.launchers.kubernetes.render import QUEUE, USER, secret_name
from pipeline.placement.container_environment import KEYS, SCRATCH, SOURCE_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.kfp.ir import Placed
    from pipeline.settings import Settings


def platform_spec(placed: Mapping[str, Placed], settings: Settings) -> dict[str, Any]:
    """The PlatformSpec that goes with a PipelineSpec.

    Args:
        placed: image and machine of each task.
        settings: the names of Secrets.
    """
    executors = {executor(name): _executor(one, settings) for name, one in placed.items()}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def _executor(placed: Placed, settings: Settings) -> dict[str, Any]:
    """A ``KubernetesExecutorConfig``."""
    machine = placed.machine
    affinity = (machine.affinity or {}).get("nodeAffinity")
    fields = {
        "secretAsEnv": _keys(secret_name(placed.stage, settings), KEYS | SOURCE_KEYS if placed.reads_source else KEYS),
        "securityContext": {"runAsUser": str(USER), "runAsGroup": str(USER), "runAsNonRoot": True},
        "emptyDirMounts": [
            {"volumeName": "scratch", "mountPath": SCRATCH, "sizeLimit": f"{machine.scratch_mb}Mi"},
            {"volumeName": "shared-memory", "mountPath": "/dev/shm", "medium": "Memory", "sizeLimit": f"{machine.shared_memory_mb}Mi"},  # noqa: S108 - of the container
        ],
        "nodeSelector": {"labels": machine.node_selector} if machine.node_selector else None,
        "tolerations": [toleration.model_dump(exclude_none=True) for toleration in machine.tolerations],
        "nodeAffinity": [{"nodeAffinityJson": _constant(affinity)}] if affinity else None,
        "podMetadata": {"labels": {QUEUE: machine.queue}} if machine.queue else None,
    }
    return {name: value for name, value in fields.items() if value}


def _keys(secret: str, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each key of the Secret; the name is given twice because older servers read the first field."""
    names = [{"secretKey": name, "envVar": name} for name in sorted(keys.values())]
    return [{"secretName": secret, "secretNameParameter": _constant(secret), "keyToEnv": names, "optional": True}] if secret else []


def _constant(value: object) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}
