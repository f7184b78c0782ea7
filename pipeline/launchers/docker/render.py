"""Builds the configuration of an attempt's Docker container, without side effects: a test compares it with a golden copy.

The container is as restricted as a pod of the *restricted* Pod Security Standard: no root, no capabilities, a read-only file system
with two writable volumes. It reaches S3 and MLflow of its machine through sockets, see `pipeline.relay`. Its name follows from run, step
and fingerprint, so all attempts at the same work have the same name: the engine refuses a second container of that name, and a retry
finds the first one.
"""

from __future__ import annotations

import hashlib
import re
from socket import AF_INET6
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.launchers.check_sizes import check_nodes
from pipeline.launchers.docker.record import RECORD
from pipeline.machine_sizes import processes
from pipeline.placement.container_command import command
from pipeline.placement.container_environment import SCRATCH, component_variables
from pipeline.placement.container_network import container_network
from pipeline.relay.sockets import INSIDE, folder

if TYPE_CHECKING:
    from pipeline.machine_sizes import MachineSize
    from pipeline.operators.launch import Launch, TaskKey
    from pipeline.placement.container_network import Network
    from pipeline.runs.request import Request
    from pipeline.settings import Settings

USER = "10001:10001"
"""User and group of a component in its container; in the images the scratch folder belongs to them."""

STATE, RECIPE, RUN = "trainshed.state", "trainshed.recipe", "trainshed.run"
"""Labels of a container: the state folder of its stack, its recipe and its run."""

STEP, FINGERPRINT = "trainshed.step", "trainshed.fingerprint"
DAG, DAG_RUN = "trainshed.airflow-dag", "trainshed.airflow-run"
TASK, MAP_INDEX = "trainshed.airflow-task", "trainshed.airflow-map-index"
"""Labels with Airflow's ids of the task that follows the container."""

GRACE_S = 120
"""Seconds between SIGTERM and SIGKILL, also when the engine shuts down: enough to finish a step and commit a checkpoint."""

PROCESSES = 4096
LOG_OPTIONS = {"max-size": "64m", "max-file": "2"}
MIB = 2**20


class Host(NamedTuple):
    """What the engine's machine has; a container cannot get more."""

    cpus: int
    memory_bytes: int
    gpus: bool
    """Whether the engine can give GPUs to a container."""


class Image(NamedTuple):
    """An image that the engine has."""

    id: str
    """What a container is created from: a tag may move meanwhile."""

    digest: str
    """``repository@sha256:…`` once it was pushed or pulled, else its id."""


def container_name(request: Request, settings: Settings) -> str:
    """Name of the one container that works on this step of this run.

    Stacks that share an engine may have runs of the same name, so the name includes a digest of the store's address.
    """
    store = hashlib.sha256(f"{settings.s3_endpoint} {settings.store}".encode()).hexdigest()[:8]
    run = re.sub(r"[^A-Za-z0-9_.-]", "-", request.run)
    return f"trainshed-{run}-{request.step}-{request.fingerprint[:12]}-{store}"


def labels(request: Request, task: TaskKey, settings: Settings) -> dict[str, str]:
    """Labels by which people, retries and ``trainshed down`` find containers."""
    return {
        STATE: str(settings.state.resolve()),
        RECIPE: request.recipe,
        RUN: request.run,
        STEP: request.step,
        FINGERPRINT: request.fingerprint,
        DAG: task.dag,
        DAG_RUN: task.run,
        TASK: task.task,
        MAP_INDEX: str(task.map_index),
    }


def render_container(attempt: Launch, task: TaskKey, image: Image, machine: MachineSize, host: Host, settings: Settings) -> dict[str, Any]:
    """Build the body of the engine's ``POST /containers/create``.

    Args:
        attempt: what to run.
        task: that follows it.
        image: what it runs in.
        machine: the attempt's machine size; what exceeds the host is reduced to what the host has.
        host: the engine's machine.
        settings: network, volume, addresses, keys.

    Raises:
        BadInput: the size has several nodes; an engine is one.
    """
    check_nodes(machine, RECORD.name)
    public, secret = component_variables(settings, reads_source=attempt.request.pin is not None)
    # a process sees all cores of the host, whatever its limit: without this number torch would start one thread for each core
    gpus = wants_gpus(machine, host, settings)
    count = processes(attempt.trains, machine, settings) if gpus else 1
    threads = {"TRAINSHED_THREADS": str(max(1, int(min(machine.cpus, host.cpus)) // count))}
    network = container_network(settings)
    told = {"TRAINSHED_IMAGE_DIGEST": image.digest, "TRAINSHED_CONTAINER_NETWORK": network.mode}
    environment = {**threads, **public, **secret, **told}
    requested_gpus = [{"Driver": "", "Count": machine.gpus, "Capabilities": [["gpu"]]}] if gpus else []
    return {
        "Image": image.id,
        "Entrypoint": [*_relay(network), *command(attempt.stage, count)],
        "Cmd": ["--request", attempt.request_uri],
        "User": USER,
        "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
        "Labels": labels(attempt.request, task, settings),
        "StopTimeout": GRACE_S,
        "HostConfig": {
            **_limits(machine, host),
            "DeviceRequests": requested_gpus,
            # init forwards SIGTERM; the kernel would drop it for process 1 as long as Python has no handler
            "Init": True,
            "NetworkMode": network.mode,
            "Sysctls": _system_controls(network),
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "PidsLimit": PROCESSES,
            "Mounts": [
                {"Type": "volume", "Source": settings.docker_volume, "Target": SCRATCH},
                # an unnamed volume is on disk, not in memory, and is removed with the container
                {"Type": "volume", "Target": "/tmp"},  # noqa: S108 - of the container
                *_sockets(network, settings),
            ],
            "LogConfig": {"Type": "json-file", "Config": LOG_OPTIONS},
        },
    }


def wants_gpus(machine: MachineSize, host: Host, settings: Settings) -> bool:
    """Whether to request GPUs: with device ``auto`` only if the host has some, as for the launcher ``process``."""
    return machine.gpus > 0 and (settings.device == "cuda" or (settings.device == "auto" and host.gpus))


def _relay(network: Network) -> list[str]:
    """The command before the component's that listens for it on the addresses of relayed servers."""
    return ["python", "-m", "pipeline.relay.inside", *map(str, network.relayed), "--"] if network.relayed else []


def _sockets(network: Network, settings: Settings) -> list[dict[str, Any]]:
    """The mount with the sockets of relayed servers; one may connect through a mount that is read-only."""
    mount = {"Type": "bind", "Source": str(folder(settings.state)), "Target": INSIDE, "ReadOnly": True}
    return [mount] if network.relayed else []


def _system_controls(network: Network) -> dict[str, str]:
    """Docker switches IPv6 off on the loopback of a container without an IPv6 network."""
    return {"net.ipv6.conf.lo.disable_ipv6": "0"} if any(address.family == AF_INET6 for address in network.relayed) else {}


def _limits(machine: MachineSize, host: Host) -> dict[str, Any]:
    memory = min(machine.memory_mb * MIB, host.memory_bytes)
    return {
        "NanoCpus": round(min(machine.cpus, host.cpus) * 1e9),
        "Memory": memory,
        "MemorySwap": memory,
        "ShmSize": machine.shared_memory_mb * MIB,
    }
