"""Nodes of a cluster: whether any has the GPUs that the recipes' machine sizes ask for.

A pod that asks for what no node has stays pending, for a day by default. An autoscaler may add such nodes, so this is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernetes.client.exceptions import ApiException

from pipeline.doctor.base import Finding
from pipeline.errors import BadInput
from pipeline.launchers.kubernetes.cluster import TIMEOUT_S
from pipeline.lines import trace
from pipeline.machine_sizes import machine
from pipeline.orchestration.recipes import read_recipes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.client import CoreV1Api

    from pipeline.settings import Settings


def check_nodes(api: CoreV1Api, settings: Settings) -> Iterator[Finding]:
    """Compare what machine sizes ask for with what nodes have."""
    try:
        nodes = api.list_node(_request_timeout=TIMEOUT_S).items
    except ApiException:
        return  # permission denied
    offered = {name for node in nodes for name, amount in (node.status.allocatable or {}).items() if amount != "0"}
    for resource, sizes in sorted(_asked(settings).items()):
        if resource not in offered:
            got = f"no node has {resource} now, which machine size {', '.join(sorted(sizes))} asks for"
            fix = "install the GPU operator, or name a size without GPUs under resources: in the recipe"
            yield Finding("warning", got, "GPU nodes, or an autoscaler that adds them", fix)


def _asked(settings: Settings) -> dict[str, set[str]]:
    """GPU resource to the sizes of the recipes' steps that ask for it."""
    asked: dict[str, set[str]] = {}
    for recipe in read_recipes(settings).valid:
        for step in trace(recipe):
            try:
                size = machine(recipe.resources.of(step.id, step.component.resources), settings)
            except BadInput:
                continue  # the check of recipes reports it
            if size.gpus:
                asked.setdefault(size.gpu_resource, set()).add(size.name)
    return asked
