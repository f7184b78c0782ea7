"""A study in MLflow: one parent, and one nested run for each trial with its values and its objective; the trial's steps are below that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.experiments.records import Outcome
from pipeline.recipe.experiment_checks import objective_of
from pipeline.runs.names import trial_name
from pipeline.tracking import end_run, parent_run

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.experiments.records import Ask, Closed, Tell
    from pipeline.recipe import Recipe
    from pipeline.settings import Settings
    from pipeline.tracking import MlflowRun

STUDY_TAG, TRIAL_TAG = "trainshed.study", "trainshed.trial"
PARENT_TAG = "mlflow.parentRunId"
VALUE = "objective"
"""Metric of a trial, whatever it is called in the recipe: one column to sort by."""


class StudyTracking:
    """Writes one study to MLflow. Every call may be repeated."""

    def __init__(self, settings: Settings, recipe: Recipe, study: str) -> None:
        """Find or create the parent run."""
        self.settings, self.recipe, self.study = settings, recipe, study
        self.parent = parent_run(settings, recipe.name, study, {"trainshed.recipe": recipe.name, STUDY_TAG: study})

    def start(self, ask: Ask) -> None:
        """Find or create the trial's run, and record its values."""
        self._trial(ask.trial).log_params({"trial": ask.trial, **ask.values})

    def tell(self, ask: Ask, tell: Tell) -> None:
        """Record what came of an ask, and end the trial's run."""
        run = self._trial(tell.trial)
        if tell.value is not None:
            now = int(time.time() * 1000)
            names = (VALUE, f"validation_{objective_of(self.recipe)[0]}")
            run.log_points([{"key": name, "value": tell.value, "step": tell.steps, "timestamp": now} for name in names])
        run.tag({"trainshed.rung": str(ask.rung), "trainshed.reason": tell.reason or "-"})
        status = "FINISHED" if tell.outcome is Outcome.COMPLETE else "FAILED"
        end_run(self.settings, self.recipe.name, trial_name(self.study, tell.trial), status)
        run.end(status)

    def close(self, closed: Closed, report: Path) -> None:
        """Attach the report, name the best trial, and end the parent."""
        self.parent.log_file(report, "report.html")
        if closed.best is not None and closed.value is not None:
            self.parent.log_figures({VALUE: closed.value})
            self.parent.tag({"trainshed.best": trial_name(self.study, closed.best)})
        self.parent.end("FINISHED" if closed.best is not None else "FAILED")

    def stop(self) -> None:
        """Set the parent to killed: the study can go on later."""
        self.parent.end("KILLED")

    def _trial(self, trial: int) -> MlflowRun:
        tags = {PARENT_TAG: self.parent.id, "trainshed.recipe": self.recipe.name, STUDY_TAG: self.study, TRIAL_TAG: str(trial)}
        return parent_run(self.settings, self.recipe.name, trial_name(self.study, trial), tags)
