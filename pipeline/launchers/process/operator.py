"""Launcher ``process``: the component is a child process beside Airflow's worker. For a laptop, or one big machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from pipeline.launchers.check_sizes import check_nodes
from pipeline.launchers.process.record import RECORD
from pipeline.local.child_process import run_process
from pipeline.local.command import ENVIRONMENT, component_command
from pipeline.operators.component_operator import ComponentMixin
from pipeline.operators.credentials import component_keys, task_settings
from pipeline.operators.log_lines import show_line
from pipeline.placement.machine_sizes import machine, processes

if TYPE_CHECKING:
    from pipeline.line import Step
    from pipeline.operators.launch import Launch


class ProcessOperator(ComponentMixin, BaseOperator):  # type: ignore[misc]
    """Runs a step in a child process.

    If Airflow kills the task's own process before the child has ended (it allows five seconds), the child notices the end of
    its standard input, checkpoints and exits; the next attempt waits for its lease.
    """

    ui_color = "#dcfce7"

    def __init__(self, *, step: Step, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """A task for the step, called like it."""
        super().__init__(task_id=step.id, **options)
        self.take(step)

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401, ARG002 - the same for every launcher
        """Start the component here and follow it."""
        settings = task_settings()
        size = machine(attempt.resources, settings)
        check_nodes(size, RECORD.name)
        # whether there are as many GPUs is known only where somebody has said that there are some
        count = processes(attempt.trains, size, settings) if settings.device == "cuda" else 1
        command = component_command(attempt.stage, attempt.request_uri, count)
        variables = {**ENVIRONMENT, **component_keys(settings)}
        return run_process(command, variables, self._show, lambda: self.killed, folder=settings.home)

    def _show(self, line: str) -> None:
        """Log a line of the component at the level it was logged with."""
        show_line(self.log, line)
        self.hear(line)
