"""What runs inside a container: the component itself, or several of it that train together."""

from __future__ import annotations

from pipeline.local.command import torchrun_arguments


def command(stage: str, processes: int, nodes: int = 1) -> list[str]:
    """The command of a container; the component's arguments come behind it.

    Args:
        stage: the component.
        processes: how many work on each node.
        nodes: how many nodes there are; which of them this is stands in the variables torchrun reads.
    """
    return ["python", *torchrun_arguments(processes, several_nodes=nodes > 1), "-m", f"components.{stage}"]
