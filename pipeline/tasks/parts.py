"""Find a part of a task, e.g. its `examples` or its `encode`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.tasks.section import TaskSection


def part(task: TaskSection, name: str) -> Any:  # noqa: ANN401 - the caller annotates the result with the part's protocol
    """Build one part of a task.

    Args:
        task: the recipe's ``task`` section.
        name: a key of the task's table of parts, e.g. ``"examples"``.

    Raises:
        BadInput: the task has no such part.
    """
    return task.parts().load(name)(task)
