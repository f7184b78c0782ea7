"""Stop servers in an order that lets each finish what it is at.

Airflow's scheduler first, with every worker and component below it: a training step that is told to stop still writes a
checkpoint, which needs S3. Then the rest of Airflow and MLflow, and S3 last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stack import processes, server_processes
from pipeline.stack.base import ServerProgress

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import psutil

    from pipeline.stack.base import OnProgress

LAST = "s3"
WORKERS = "airflow-scheduler"

COMPONENT_RETRY_S = 30.0
"""A training step that is told to stop finishes its current step and writes a checkpoint first."""

SERVER_RETRY_S = 8.0
"""Each of them stops in 2 to 4 s and survives a SIGKILL: SQLite and SeaweedFS both log ahead of what they write."""


def stop_servers(state: Path, names: Collection[str]) -> int:
    """End every process of these servers, strays included.

    Returns:
        How many processes there were.
    """

    def members() -> list[psutil.Process]:
        living = server_processes.families(state)
        return [process for name in names for process in living.get(name, server_processes.Family()).members]

    return processes.end(members, COMPONENT_RETRY_S if WORKERS in names else SERVER_RETRY_S)


def stop_all(state: Path, on_progress: OnProgress) -> int:
    """End every process that carries the mark of ``state``, whatever server it says it belongs to.

    Returns:
        How many processes there were.
    """
    living = server_processes.families(state)
    count = 0
    for names in _stages(living):
        count += stop_servers(state, names)
        for name in sorted(names):
            on_progress(ServerProgress(name, "stopped"))
    return count + processes.end(lambda: [marked.process for marked in processes.find_marked(state)], 0.0)


def _stages(living: Mapping[str, server_processes.Family]) -> list[set[str]]:
    """Return which servers to stop together: all at once when no task is at work, which takes 4 s instead of 10."""
    scheduler = living.get(WORKERS, server_processes.Family())
    others = [process for process in scheduler.members if process != scheduler.root]
    if all(map(processes.is_idle_worker, others)):
        return [set(living)] if living else []
    return [stage for stage in ({WORKERS}, set(living) - {WORKERS, LAST}, {LAST} & set(living)) if stage]
