"""Stop servers in an order that lets each finish what it is at.

Airflow's scheduler first, with every worker and component below it: a training step that is told to stop still writes a
checkpoint, which needs S3. Then the rest of Airflow and MLflow, and S3 last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stack import processes, roots
from pipeline.stack.base import Progress

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import psutil

    from pipeline.stack.base import OnProgress

LAST = "s3"
WORKERS = "airflow-scheduler"


def stop_servers(state: Path, names: Collection[str]) -> int:
    """End every process of these servers, strays included.

    Returns:
        How many processes there were.
    """

    def members() -> list[psutil.Process]:
        living = roots.families(state)
        return [process for name in names for process in living.get(name, roots.Family()).members]

    return processes.end(members)


def stop_all(state: Path, on_progress: OnProgress) -> int:
    """End every process that carries the mark of ``state``, whatever server it says it belongs to.

    Returns:
        How many processes there were.
    """
    count = 0
    others = set(roots.families(state)) - {WORKERS, LAST}
    for names in ({WORKERS}, others, {LAST}):
        living = names & set(roots.families(state))
        count += stop_servers(state, names)
        for name in sorted(living):
            on_progress(Progress(name, "stopped"))
    return count + processes.end(lambda: [marked.process for marked in processes.find_marked(state)])
