"""Launcher ``process``: the component is a child process of Airflow's worker. For a laptop, or one big machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pipeline.launchers.check_sizes import check_nodes
from pipeline.launchers.process.record import RECORD
from pipeline.local.child_process import run_process
from pipeline.local.command import ENVIRONMENT, component_command
from pipeline.machine_sizes import machine, processes
from pipeline.operators.component_operator import ComponentMixin
from pipeline.operators.credentials import component_keys, task_settings
from pipeline.operators.log_lines import show_line

if TYPE_CHECKING:
    from pipeline.lines import Step
    from pipeline.operators.launch import Launch


class ProcessOperator(ComponentMixin, BaseOperator):  # type: ignore[misc]
    """Runs a step in a child process.

    If Airflow kills the task's process before the child has ended (five seconds after SIGTERM), the child's standard input closes: it
    checkpoints and exits. The next attempt waits for the child's lease.
    """

    ui_color = "#dcfce7"

    def __init__(self, *, step: Step, ask: int | None = None, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Make a task; its id is the step's, unless ``task_id`` names another. ``ask`` as of `set_step`."""
        super().__init__(task_id=options.pop("task_id", step.id), **options)
        self.set_step(step, ask)

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401, ARG002 - the same for every launcher
        """Start the component on this machine and follow it."""
        settings = task_settings()
        size = machine(attempt.resources, settings)
        check_nodes(size, RECORD.name)
        # only the setting cuda says for sure that this machine has the GPUs
        count = processes(attempt.trains, size, settings) if settings.device == "cuda" else 1
        command = component_command(attempt.stage, attempt.request_uri, count)
        variables = {**ENVIRONMENT, **component_keys(settings)}
        return run_process(command, variables, self._on_line, lambda: self.killed, folder=settings.home)

    def _on_line(self, line: str) -> None:
        """Log a line of the component at its level."""
        show_line(self.log, line)
        self.note_error(line)
