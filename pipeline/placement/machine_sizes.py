"""From the name of a machine size (``cpu-small``, ``gpu-1``, ``gpu-8``, ...) to what a launcher has to ask for.

Components and recipes name a size; what a name means differs between a laptop, one GPU server and a cluster, so it stands in a
file of its own, named by the setting ``TRAINSHED_MACHINES``. Launchers take from a `MachineSize` what they can give: ``docker``
limits and GPUs, ``kubernetes`` everything, ``process`` the number of GPUs only. No size enters a fingerprint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.settings import Settings


class FileSection(BaseModel):
    """Base of what the file holds: frozen, refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Toleration(FileSection):
    """A taint of nodes that does not keep the step away, as Kubernetes knows it."""

    key: str
    """Key of the taint, e.g. ``nvidia.com/gpu``."""

    operator: Literal["Exists", "Equal"] = "Exists"
    """Whether the key is enough."""

    value: str | None = None
    """What the taint must say, for ``Equal``."""

    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Which effect is tolerated; unset means all."""


class MachineSize(FileSection):
    """What one size is."""

    name: str
    """The name it goes by."""

    cpus: float = Field(gt=0)
    """CPU cores, on each node."""

    memory_mb: int = Field(gt=0)
    """Main memory, on each node, in MiB."""

    gpus: int = Field(0, ge=0)
    """GPUs, on each node; a step that trains is one process for each."""

    gpu_resource: str = "nvidia.com/gpu"
    """What Kubernetes calls such a GPU."""

    shared_memory_mb: int = Field(64, gt=0)
    """Size of ``/dev/shm``, through which loader workers and GPUs of one node talk, in MiB; counts as memory."""

    scratch_mb: int = Field(gt=0)
    """Disk for the cache and for files in the making, gone with the container, in MiB."""

    nodes: int = Field(1, ge=1)
    """Machines of this size at once, for a step that trains; more than one needs a launcher that can start several nodes."""

    node_selector: dict[str, str] = {}
    """Labels a Kubernetes node must have."""

    tolerations: tuple[Toleration, ...] = ()
    """Taints of Kubernetes nodes that are accepted."""

    affinity: dict[str, Any] | None = None
    """Kubernetes affinity, as it stands in a pod."""

    priority_class: str | None = None
    """Kubernetes PriorityClass."""

    queue: str | None = None
    """Kueue's local queue that admits it; unset means that Kueue is not asked."""


MACHINES = TypeAdapter(dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], dict[str, Any]])

_read: dict[Path, tuple[int, dict[str, MachineSize]]] = {}


def machine(name: str, settings: Settings) -> MachineSize:
    """What the size called ``name`` is here.

    Raises:
        BadInput: no such name (the near one is suggested), or the file of sizes is missing or wrong.
    """
    known = machines(settings)
    if name not in known:
        raise unknown_name("machine size", name, known)
    return known[name]


def machines(settings: Settings) -> Mapping[str, MachineSize]:
    """All sizes by name; the file is read again only after it was changed.

    Raises:
        BadInput: the file is missing or wrong.
    """
    path = settings.machines_file
    try:
        changed = path.stat().st_mtime_ns
        if path not in _read or _read[path][0] != changed:
            _read[path] = changed, _parse(path)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}", "a YAML file of machine sizes", "correct TRAINSHED_MACHINES") from error
    return _read[path][1]


def processes(trains: bool, machine: MachineSize, settings: Settings) -> int:
    """How many processes work on each node: one for each GPU where a step ``trains`` on them, else one."""
    return max(1, machine.gpus) if trains and settings.device != "cpu" else 1


def _parse(path: Path) -> dict[str, MachineSize]:
    try:
        return {
            name: MachineSize.model_validate({**fields, "name": name})
            for name, fields in MACHINES.validate_python(_yaml(path) or {}).items()
        }
    except ValidationError as error:
        raise _explain(error, path.name) from error


def _yaml(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        return yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is not YAML: {getattr(error, 'problem', error)}", "machine sizes by name", "correct it") from error


def _explain(error: ValidationError, file: str) -> BadInput:
    complaints = error.errors()
    # a misspelt field is also a missing one: the misspelling says more
    first = next((complaint for complaint in complaints if complaint["type"] == "extra_forbidden"), complaints[0])
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = Toleration.model_fields if "tolerations" in first["loc"] else MachineSize.model_fields
        return unknown_name(f"field in {file}:", str(first["loc"][-1]), set(known) - {"name"})
    if first["type"] == "missing":
        return BadInput(f"{file}: no {place} for {first['input'].get('name')}", "a value for it", f"correct {file}")
    return BadInput(f"{file}: {place or 'it'} = {first['input']!r}", first["msg"].lower(), f"correct {file}")
