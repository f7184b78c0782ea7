"""The command of a component's container: the component itself, or several processes of it that train together."""

from __future__ import annotations

from pipeline.local.command import torchrun_arguments


def command(stage: str, processes: int, nodes: int = 1) -> list[str]:
    """The command of a container, without the component's arguments.

    Args:
        stage: the component.
        processes: how many run on each node.
        nodes: how many nodes there are; torchrun reads from variables which of them this is.
    """
    return ["python", *torchrun_arguments(processes, several_nodes=nodes > 1), "-m", f"components.{stage}"]
