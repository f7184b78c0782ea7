"""What a launcher must implement.

`launch` gets one attempt, runs the component's command to its end, logs its lines as they come, and returns its exit code. It decides
nothing else: retries, replanning, Asset events and references are the same for all launchers (`pipeline.operators.component_operator`).

A restarted scheduler, a lost heartbeat and a person's "mark failed" all reach an operator as the same call of ``on_kill``, five
seconds before SIGKILL. `ComponentMixin.on_kill` therefore only sets a flag. ``process`` cannot re-attach: it asks the component to
checkpoint, and the next attempt resumes there. A launcher whose component outlives the task (a container, a pod) asks Airflow for
the task's state and stops the component only if that state is final; see `pipeline.launchers.reattach`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from components import COMPONENTS

if TYPE_CHECKING:
    from pipeline.component import Component
    from pipeline.runs.request import Request


class TaskKey(NamedTuple):
    """The Airflow task that follows a component."""

    dag: str
    run: str
    """Airflow's id of the run, which is not the run's name in the store."""

    task: str

    map_index: int = -1
    """Position of a mapped task; -1 for one that is not mapped."""


class Launch(NamedTuple):
    """One attempt of one step."""

    stage: str
    """The component; its command is ``python -m components.<stage> --request <request_uri>``."""

    request_uri: str
    """Address of the request in the store."""

    request: Request
    """The request itself: run, step and fingerprint make the name by which a retry finds a container or a pod again."""

    resources: str
    """Name of the machine size that the recipe, or else the contract, asks for; `pipeline.machine_sizes` resolves it."""

    trains: bool = False
    """Whether it may run as several processes: one for each GPU, on each node."""

    @property
    def image(self) -> str:
        """Name of the image that holds what the component uses with its params."""
        component: Component = COMPONENTS.load(self.stage)
        return component.image_with(self.request.params)


class Launcher(Protocol):
    """The method that a launcher's operator adds to `ComponentMixin`."""

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - Airflow's context
        """Run the component to its end.

        Args:
            attempt: what to run.
            context: of the Airflow task.

        Returns:
            The component's exit code; for a death by a signal, the signal's number as a negative number.

        Raises:
            BadInput: it can never start like this: no such image, no such machine.
            Unavailable: the engine or the cluster is unreachable, or the component was lost.
        """
