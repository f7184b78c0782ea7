"""The record of a launcher: everything that the rest of the project asks about it.

Records import neither Airflow nor a client library, so the command line and the doctor read them in a millisecond. What is heavy
is named as ``"module:Object"`` and imported when it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.launchers import LAUNCHERS
from pipeline.lookup import load_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.settings import Settings


def always(_settings: Settings) -> bool:
    """True for all settings."""
    return True


def never(_settings: Settings) -> bool:
    """False for all settings."""
    return False


def no_servers(_settings: Settings) -> frozenset[str]:
    """None for all settings."""
    return frozenset()


@dataclass(frozen=True)
class LauncherRecord:
    """The facts about one launcher."""

    name: str
    """Key in the table ``LAUNCHERS`` and value of ``TRAINSHED_LAUNCHER``."""

    summary: str
    """Where steps run, as a sentence without a full stop."""

    operator: str
    """``"module:Class"`` of its Airflow operator; see `pipeline.operators.launch.Launcher`."""

    check: str | None = None
    """``"module:function"`` of its check for ``trainshed doctor`` (`pipeline.doctor.base.Check`); None when it needs nothing but Python."""

    end_steps: str | None = None
    """``"module:function"`` from settings to a count: ends all steps of this stack that outlive Airflow's tasks, for ``trainshed down``.
    None when there are none, or when they do not depend on the stack's servers."""

    several_nodes: bool = False
    """Whether one training can run on several nodes."""

    trainjobs: bool = False
    """Whether steps that train are TrainJobs of Kubeflow Trainer."""

    servers: Callable[[Settings], frozenset[str]] = no_servers
    """Groups of `pipeline.stack.SERVERS` that ``trainshed up`` starts for this launcher alone."""

    runs_elsewhere: Callable[[Settings], bool] = never
    """Whether steps run on another machine than this one, so that this machine's GPUs say nothing about theirs."""


def launcher_record(name: str) -> LauncherRecord:
    """The record of the launcher called ``name``.

    Raises:
        BadInput: no such launcher; the message suggests the near name.
    """
    record: LauncherRecord = LAUNCHERS.load(name)
    return record


def servers_of(settings: Settings) -> frozenset[str]:
    """Groups of servers that the chosen launcher needs beside the usual ones; none when no launcher has that name."""
    return launcher_record(settings.launcher).servers(settings) if settings.launcher in LAUNCHERS else frozenset()


def end_steps_of(settings: Settings) -> Callable[[Settings], int] | None:
    """What ends the steps of the chosen launcher; None when nothing has to be ended, or when no launcher has that name."""
    if settings.launcher not in LAUNCHERS:
        return None  # a stack can be stopped whatever its settings say by now
    place = launcher_record(settings.launcher).end_steps
    if place is None:
        return None
    end_steps: Callable[[Settings], int] = load_object(place)
    return end_steps
