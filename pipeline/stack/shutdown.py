"""Stop servers in an order that lets running steps finish.

The Airflow scheduler stops first, with its workers and components: a training step writes a checkpoint before it exits, which
needs S3. The other Airflow processes and MLflow follow, and S3 stops last.
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
"""After SIGTERM, a training step finishes its current step and writes a checkpoint."""

SERVER_RETRY_S = 8.0
"""Each server stops in 2 to 4 s and survives a SIGKILL: SQLite and SeaweedFS both have a write-ahead log."""


def stop_servers(state: Path, names: Collection[str]) -> int:
    """End every process of these servers, strays included.

    Returns:
        How many processes there were.
    """

    def find() -> list[psutil.Process]:
        running = server_processes.find_all(state)
        return [process for name in names for process in running.get(name, server_processes.ServerProcesses()).processes]

    return processes.end(find, COMPONENT_RETRY_S if WORKERS in names else SERVER_RETRY_S)


def stop_all(state: Path, on_progress: OnProgress) -> int:
    """End every process that carries the mark of ``state``, whatever its server.

    Returns:
        How many processes there were.
    """
    running = server_processes.find_all(state)
    count = 0
    for names in _stages(running):
        count += stop_servers(state, names)
        for name in sorted(names):
            on_progress(ServerProgress(name, "stopped"))
    return count + processes.end(lambda: [marked.process for marked in processes.find_marked(state)], 0.0)


def _stages(running: Mapping[str, server_processes.ServerProcesses]) -> list[set[str]]:
    """Return which servers stop together: all at once when no task is running, which takes 4 s instead of 10."""
    scheduler = running.get(WORKERS, server_processes.ServerProcesses())
    others = [process for process in scheduler.processes if process != scheduler.main]
    if all(map(processes.is_idle_worker, others)):
        return [set(running)] if running else []
    return [stage for stage in ({WORKERS}, set(running) - {WORKERS, LAST}, {LAST} & set(running)) if stage]
