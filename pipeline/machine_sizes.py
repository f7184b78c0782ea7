"""Machine sizes: from a name (``cpu-small``, ``gpu-1``, ``gpu-8``, ...) to the resources that a launcher requests.

Components and recipes name a size. What a name means differs between a laptop, one GPU server and a cluster, so sizes are in a separate
file, which the setting ``TRAINSHED_MACHINES`` names. Launchers use of a `MachineSize` what they can give: ``docker`` limits and GPUs,
``kubernetes`` everything, ``process`` only the number of GPUs. Sizes are in no fingerprint.
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
    """Base of the file's sections: frozen, refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Toleration(FileSection):
    """A Kubernetes toleration: a taint of nodes that the step accepts."""

    key: str
    """Key of the taint, e.g. ``nvidia.com/gpu``."""

    operator: Literal["Exists", "Equal"] = "Exists"
    """``Exists``: the key is enough; ``Equal``: the value must match too."""

    value: str | None = None
    """Value of the taint, for ``Equal``."""

    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The tolerated effect; unset means all."""


class MachineSize(FileSection):
    """One machine size."""

    name: str
    """Its name in recipes and contracts."""

    cpus: float = Field(gt=0)
    """CPU cores, on each node."""

    memory_mb: int = Field(gt=0)
    """Main memory, on each node, in MiB."""

    gpus: int = Field(0, ge=0)
    """GPUs, on each node; a step that trains runs one process for each."""

    gpu_resource: str = "nvidia.com/gpu"
    """Kubernetes' resource name of such a GPU."""

    shared_memory_mb: int = Field(64, gt=0)
    """Size of ``/dev/shm``, through which loader workers and GPUs of one node talk, in MiB; counts as memory."""

    scratch_mb: int = Field(gt=0)
    """Disk for the cache and for temporary files, removed with the container, in MiB."""

    nodes: int = Field(1, ge=1)
    """Nodes of this size, for a step that trains; more than one needs a launcher that can start several nodes."""

    price_h: float | None = Field(None, ge=0)
    """Price of an hour of all its nodes, in any currency, for the budget and the report of experiments."""

    node_selector: dict[str, str] = {}
    """Labels a Kubernetes node must have."""

    tolerations: tuple[Toleration, ...] = ()
    """Taints of Kubernetes nodes that are accepted."""

    affinity: dict[str, Any] | None = None
    """Kubernetes affinity, as in a pod spec."""

    priority_class: str | None = None
    """Kubernetes PriorityClass."""

    queue: str | None = None
    """Kueue's LocalQueue that admits it; unset means without Kueue."""


MACHINES = TypeAdapter(dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], dict[str, Any]])

_read: dict[Path, tuple[int, dict[str, MachineSize]]] = {}


def machine(name: str, settings: Settings) -> MachineSize:
    """The machine size called ``name``.

    Raises:
        BadInput: no such name (the message suggests the near one), or the file of sizes is missing or invalid.
    """
    known = machines(settings)
    if name not in known:
        raise unknown_name("machine size", name, known)
    return known[name]


def machines(settings: Settings) -> Mapping[str, MachineSize]:
    """All sizes by name; the file is read again only after a change.

    Raises:
        BadInput: the file is missing or invalid.
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
    """How many processes run on each node: one for each GPU if the step ``trains``, else one."""
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
    # a misspelt field is also a missing one; the misspelling explains more
    first = next((complaint for complaint in complaints if complaint["type"] == "extra_forbidden"), complaints[0])
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = Toleration.model_fields if "tolerations" in first["loc"] else MachineSize.model_fields
        return unknown_name(f"field in {file}:", str(first["loc"][-1]), set(known) - {"name"})
    if first["type"] == "missing":
        return BadInput(f"{file}: no {place} for {first['input'].get('name')}", fix=f"add it to {file}")
    return BadInput(f"{file}: {place or 'it'} = {first['input']!r}", first["msg"].lower(), f"correct {file}")
