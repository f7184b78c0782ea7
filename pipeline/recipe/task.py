"""The recipe's ``task`` section: the section class of one task, chosen by ``kind``.

The classes are found through the table `pipeline.tasks.TASKS`, so the recipe names no task. They are pydantic only and import in a
millisecond.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from pipeline.lookup import load

if TYPE_CHECKING:
    from pipeline.tasks.section import TaskSection as Task
else:
    _TABLE = import_module("pipeline.tasks").TASKS
    Task = Annotated[Union[tuple(load("task", _TABLE, kind) for kind in _TABLE)], Field(discriminator="kind")]  # noqa: UP007 - of a tuple

__all__ = ["Task"]
