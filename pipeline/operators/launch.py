"""What a launcher must do.

It is handed an attempt, runs the component's command to its end, shows its log lines as they come, and returns its exit code. It
decides nothing: retries, planning anew, events and references are the same everywhere (`pipeline.operators.component_operator`).

A restart of the scheduler, a heartbeat that was lost and a person's "mark failed" all reach an operator as the same call of
``on_kill``, five seconds before SIGKILL. `ComponentMixin.on_kill` therefore only sets a flag. ``process`` cannot re-attach: it
tells the component to checkpoint, and the next attempt goes on from there. A launcher whose component outlives the task (a
container, a pod) should ask Airflow for the task's state and stop the component only when that is final.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from pipeline.runs.request import Request


class Launch(NamedTuple):
    """One attempt of one step."""

    stage: str
    """The component; its command is ``python -m components.<stage> --request <request_uri>``."""

    request_uri: str
    """Where the request lies in the store."""

    request: Request
    """The request itself: run, step and fingerprint make a name for a container or a pod that a retry finds again."""

    resources: str
    """Name of the machine size the recipe or else the contract asks for; `resources.machine` says what it is."""

    trains: bool = False
    """Whether several processes may share it: one for each GPU, on each node."""


class Launcher(Protocol):
    """The method a launcher's operator adds to `ComponentMixin`."""

    def launch(self, attempt: Launch, context: Any) -> int:  # noqa: ANN401 - Airflow's context
        """Run the component to its end.

        Args:
            attempt: what to run.
            context: of the Airflow task.

        Returns:
            The component's exit code; negative for the number of a signal it died of.

        Raises:
            BadInput: it can never be started so: no such image, no such machine.
            Unavailable: the engine is away for a while.
        """
