"""Launcher ``trainjob``: steps that train run in TrainJobs, which Kubeflow Trainer and Kueue place; all others in pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.launchers.kubernetes.cluster import PodApi
from pipeline.launchers.kubernetes.operator import KubernetesOperator
from pipeline.launchers.trainjob.jobs import TrainJobApi
from pipeline.launchers.trainjob.render import render_job
from pipeline.machine_sizes import machine
from pipeline.operators.credentials import task_settings

if TYPE_CHECKING:
    from pipeline.operators.launch import Launch


class TrainJobOperator(KubernetesOperator):
    """Runs a step in a TrainJob if it trains, else in a pod."""

    ui_color = "#ede9fe"

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - the same for every launcher
        """Create the TrainJob, or find that of an earlier attempt, and follow it to its end."""
        if not self.trains:
            return super().launch(attempt, context)
        settings = task_settings()
        rendered = render_job(attempt, machine(attempt.resources, settings), settings)
        return self._follow([TrainJobApi, PodApi], rendered, rendered["metadata"], context, settings)
