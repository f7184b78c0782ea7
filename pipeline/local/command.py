"""The command line and the environment of a component on this machine."""

from __future__ import annotations

import sys

ENVIRONMENT = {
    # log lines appear at once
    "PYTHONUNBUFFERED": "1",
    # threads that wait for each other sleep instead of spinning: beside Airflow, MLflow and the S3 server, two spinning
    # threads on two cores ran at a seventh of the speed of two sleeping ones. Read when torch is loaded.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Arrow's own choice, mimalloc, keeps what was freed: ingestion of 2 GB took up to half as much memory again. Another allocator is as fast.
    # Where Arrow was built without jemalloc, it says so and takes its own. Read when pyarrow is loaded.
    "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",
    # a progress bar that redraws itself is one endless line of a log
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""Environment variables of every component; none changes a result."""


def component_command(stage: str, request_uri: str, processes: int = 1) -> list[str]:
    """Command line of one attempt.

    The caller holds the other end of its standard input; when that end closes, the component checkpoints and exits.

    Args:
        stage: the component.
        request_uri: URI of the request.
        processes: world size: number of processes that train together.
    """
    return [sys.executable, *torchrun_arguments(processes), "-m", f"components.{stage}", "--request", request_uri, "--tethered"]


def torchrun_arguments(processes: int, *, several_nodes: bool = False) -> list[str]:
    """Interpreter arguments before ``-m components.<stage>``: torchrun, if several processes train together.

    Args:
        processes: number of processes on this machine.
        several_nodes: whether the same command runs on other machines too.
    """
    if processes == 1 and not several_nodes:
        return []
    return ["-m", "pipeline.runtime.torchrun", "--nproc-per-node", str(processes)]


def is_reference(line: str) -> bool:
    """Whether a line that a component printed is the reference to its artifact, which is for programs, not for people."""
    return line.startswith('{"type":')
