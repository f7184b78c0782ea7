"""The recipe's ``task`` section: the section class of one task, chosen by ``kind``.

The classes are found through the table of the group ``trainshed.tasks``, so the recipe names no task. They are pydantic only and
import in a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from pipeline.extension_points import table

if TYPE_CHECKING:
    from pipeline.tasks.section import TaskSection as Task
else:
    TASKS = table("trainshed.tasks")
    Task = Annotated[Union[tuple(TASKS.load(kind) for kind in TASKS)], Field(discriminator="kind")]  # noqa: UP007 - of a tuple

__all__ = ["Task"]
