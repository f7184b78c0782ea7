"""The command that starts a component on this machine, and what it needs of its environment."""

from __future__ import annotations

import sys

ENVIRONMENT = {
    # log lines are shown as they come
    "PYTHONUNBUFFERED": "1",
    # threads that wait for each other sleep instead of spinning: beside Airflow, MLflow and the S3 server two spinning
    # threads on two cores were measured at a seventh of the speed of two sleeping ones. Read when torch is loaded.
    "OMP_WAIT_POLICY": "PASSIVE",
    # a bar that redraws itself is one endless line of a log
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""Variables every component is started with; none changes a result."""


def component_command(stage: str, request_uri: str, processes: int = 1) -> list[str]:
    """Command line of one attempt; whoever starts it holds its standard input, whose end means "checkpoint and exit".

    Args:
        stage: the component.
        request_uri: where the request lies.
        processes: how many train together.
    """
    return [sys.executable, *shared(processes), "-m", f"components.{stage}", "--request", request_uri, "--tethered"]


def shared(processes: int, *, several: bool = False) -> list[str]:
    """What stands before ``-m components.<stage>`` when several processes of it, here or on ``several`` nodes, train together."""
    return ["-m", "pipeline.runtime.torchrun", "--nproc-per-node", str(processes)] if several or processes > 1 else []


def is_reference(line: str) -> bool:
    """Whether a line a component printed is the reference to its artifact: that is for scripts, not for people."""
    return line.startswith('{"type":')
