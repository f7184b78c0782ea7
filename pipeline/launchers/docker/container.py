"""One attempt as the configuration of a Docker container: pure, so that it can be compared with a golden copy.

The container has what a pod of the *restricted* standard has: no root, no capabilities, a read-only file system, two places to
write to. Its name says which run, step and fingerprint it works on and is the same for every attempt at them: the engine refuses
a second container of that name, so a retry finds the first one, however its predecessor ended.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.launchers.check_sizes import check_nodes
from pipeline.launchers.docker.record import RECORD
from pipeline.placement.container_command import command
from pipeline.placement.container_environment import SCRATCH, component_variables
from pipeline.placement.container_network import container_network
from pipeline.placement.machine_sizes import processes

if TYPE_CHECKING:
    from pipeline.operators.launch import Launch
    from pipeline.placement.machine_sizes import MachineSize
    from pipeline.runs.request import Request
    from pipeline.settings import Settings

USER = "10001:10001"
"""Who a component is inside its container; the images give this user the scratch folder."""

STATE, RECIPE, RUN = "trainshed.state", "trainshed.recipe", "trainshed.run"
"""Labels of a container: the state folder of its stack, its recipe and its run."""

PROCESSES = 4096
LOG_OPTIONS = {"max-size": "64m", "max-file": "2"}
MIB = 2**20


class Host(NamedTuple):
    """What the engine's machine has; a container cannot be promised more."""

    cpus: int
    memory_bytes: int
    gpus: bool
    """Whether the engine can hand GPUs to a container."""


class Image(NamedTuple):
    """An image the engine has."""

    id: str
    """What a container is made from: a tag may be moved meanwhile."""

    digest: str
    """How the world knows it: ``repository@sha256:…`` once it was pushed or pulled, else its id."""


def container_name(request: Request, settings: Settings) -> str:
    """Name of the one container that works on this step of this run.

    Stacks that share an engine may have runs of the same name, so the store has a part in it.
    """
    store = hashlib.sha256(f"{settings.s3_endpoint} {settings.store}".encode()).hexdigest()[:8]
    run = re.sub(r"[^A-Za-z0-9_.-]", "-", request.run)
    return f"trainshed-{run}-{request.step}-{request.fingerprint[:12]}-{store}"


def labels(request: Request, settings: Settings) -> dict[str, str]:
    """Labels by which people, and `trainshed down`, find containers."""
    return {
        STATE: str(settings.state.resolve()),
        RECIPE: request.recipe,
        RUN: request.run,
        "trainshed.step": request.step,
        "trainshed.fingerprint": request.fingerprint,
    }


def container(attempt: Launch, image: Image, machine: MachineSize, host: Host, settings: Settings) -> dict[str, Any]:
    """The body of the engine's ``POST /containers/create``.

    Args:
        attempt: what to run.
        image: what it runs in.
        machine: what the attempt's size asks for; more than the host has is cut down to that.
        host: the engine's machine.
        settings: network, volume, addresses, keys.

    Raises:
        BadInput: the size is several nodes: an engine is one.
    """
    check_nodes(machine, RECORD.name)
    public, secret = component_variables(settings)
    # a process sees all cores of the host, whatever its limit: without a number torch would start a thread for each
    gpus = wants_gpus(machine, host, settings)
    count = processes(attempt.trains, machine, settings) if gpus else 1
    threads = {"TRAINSHED_THREADS": str(max(1, int(min(machine.cpus, host.cpus)) // count))}
    environment = {**threads, **public, **secret, "TRAINSHED_IMAGE_DIGEST": image.digest}
    asked = [{"Driver": "", "Count": machine.gpus, "Capabilities": [["gpu"]]}] if gpus else []
    return {
        "Image": image.id,
        "Entrypoint": command(attempt.stage, count),
        "Cmd": ["--request", attempt.request_uri],
        "User": USER,
        "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
        "Labels": labels(attempt.request, settings),
        "HostConfig": {
            **_limits(machine, host),
            "DeviceRequests": asked,
            # passes SIGTERM on before Python has a handler for it, which the first process of a container would never get
            "Init": True,
            "NetworkMode": container_network(settings),
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "PidsLimit": PROCESSES,
            "Mounts": [
                {"Type": "volume", "Source": settings.docker_volume, "Target": SCRATCH},
                # a volume without a name lies on disk, not in memory, and goes with the container
                {"Type": "volume", "Target": "/tmp"},  # noqa: S108 - of the container
            ],
            "LogConfig": {"Type": "json-file", "Config": LOG_OPTIONS},
        },
    }


def wants_gpus(machine: MachineSize, host: Host, settings: Settings) -> bool:
    """Whether GPUs are asked for: by ``auto`` only where there are some, as it does for a process."""
    return machine.gpus > 0 and (settings.device == "cuda" or (settings.device == "auto" and host.gpus))


def _limits(machine: MachineSize, host: Host) -> dict[str, Any]:
    memory = min(machine.memory_mb * MIB, host.memory_bytes)
    return {
        "NanoCpus": round(min(machine.cpus, host.cpus) * 1e9),
        "Memory": memory,
        "MemorySwap": memory,
        "ShmSize": machine.shared_memory_mb * MIB,
    }
