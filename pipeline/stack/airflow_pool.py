"""The Airflow pool of training steps: a command that makes it, or sets its size, and exits.

A pool is a number of slots; a task in it waits until one is free. So trainings of several recipes queue for the GPUs, and steps that
do not train go on. Airflow leaves a task whose pool does not exist ``scheduled`` for ever, without a message: `trainshed doctor` checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.runs.names import TRAINING_POOL
from pipeline.stack.airflow_config import home
from pipeline.stack.airflow_processes import AirflowProcess, database_inode
from pipeline.stack.environment import training_slots
from pipeline.stack.folder import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stack.base import StackContext


class TrainingPool(AirflowProcess):
    """``airflow pools set``: 3 s, once per size."""

    name = "airflow-pool"
    lasting = False

    def command(self, context: StackContext) -> list[str]:
        """Return the command; a deferred task, whose pod trains, keeps its slot."""
        set_pool = ["pools", "set", TRAINING_POOL, str(training_slots(context.settings)), "Training steps", "--include-deferred"]
        return [*AirflowProcess.command(self, context), *set_pool]

    arguments = ()

    def done(self, context: StackContext) -> bool:
        """Whether no pool is asked for, or this database has it in this size."""
        slots = training_slots(context.settings)
        return not slots or (_note_file(context).exists() and _note_file(context).read_text() == _note(context))

    def finish(self, context: StackContext) -> None:
        """Record database and size."""
        write_private(_note_file(context), _note(context))

    def probe(self, context: StackContext, since: float) -> str:
        """Ready means that it has ended."""
        del since
        return "" if self.done(context) else "making the pool"


def _note_file(context: StackContext) -> Path:
    return home(context) / "pool"


def _note(context: StackContext) -> str:
    return f"{training_slots(context.settings)} {database_inode(context)}\n"
