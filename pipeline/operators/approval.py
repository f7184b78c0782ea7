"""Ask one person in Airflow's page whether a proposal may be promoted, and write the answer to the ledger.

Airflow authenticates the person, and only the users whom the task names may answer. The task's state and its XCom decide nothing: a user may
set them. Promotion reads the answers in the store (`pipeline.registry.answers`). With several people, one task follows another, so that
each excludes those who answered before. A task that starts again after its answer asks nobody: Airflow may take a task for dead whose answer came
within a second of the question, since the process that asked had not ended yet.

A proposal may become void while the task waits: by a newer one, by another champion, or because its people answered elsewhere. So the task
looks again every `LOOK_EVERY`, and ends if nobody has to answer any more.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLTimeoutError
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowSkipException, TaskAwaitingInput
from airflow.sdk.execution_time.hitl import HITLUser

from pipeline.errors import BadInput, Outdated
from pipeline.operators.credentials import task_settings
from pipeline.operators.failures import translated_errors
from pipeline.registry.answers import APPROVE, REASON, REJECT, may_answer, question_about, read_answers, record_answer
from pipeline.runs.names import run_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.recipe.gate import Approval
    from pipeline.registry.answers import Answer
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings


LOOK_EVERY = timedelta(hours=1)
"""How often a waiting task looks whether its proposal still waits: about a second of a worker each time."""


class ApprovalOperator(HITLOperator):  # type: ignore[misc]
    """Waits for the answer of one person."""

    ui_color = "#fef9c3"
    template_fields = ()

    def __init__(self, *, model: str, number: int, **options: Any) -> None:  # noqa: ANN401 - Airflow's own options
        """Make a task.

        Args:
            model: the registered model; who may answer, and until when, is read from the proposal.
            number: which of the answers it waits for, from 1.
            options: of Airflow.
        """
        super().__init__(
            subject=f"Promote a new version of {model}?",
            options=[APPROVE, REJECT],
            response_timeout=LOOK_EVERY,
            # Airflow passes the form of the DAG, which is nothing to fill in here
            **{**options, "params": {REASON: ""}},
        )
        self.model, self.number = model, number

    def execute(self, context: Any) -> dict[str, str] | None:  # noqa: ANN401 - Airflow's context
        """Ask, unless the proposal is void or has this answer.

        Raises:
            AirflowSkipException: nobody has to answer.
            AirflowFailException: nobody is left who may answer.
            TaskAwaitingInput: the task waits.
        """
        run = self._run(context)
        with translated_errors(context, run, self.task_id):
            settings = task_settings()
        with translated_errors(context, run, self.task_id, settings):
            ledger, proposal, approval, answers = self._asked(run, settings)
            if len(answers) >= self.number:
                return {"person": answers[self.number - 1].person}
            people = may_answer(ledger, proposal)
            if not people:
                raise BadInput(
                    f"nobody is left who may approve proposal {proposal.number} of {self.model}",
                    f"{approval.people} persons who did not start the run",
                    "add users to registration.approval.from in the recipe",
                )
        version = proposal.challenger.version
        self.subject = f"Promote version {version}{question_about(self.model, proposal.number)}"
        self.body = _body(self.model, proposal, [answer.person for answer in answers])
        self.assigned_users = [HITLUser(id=person, name=person) for person in people]
        self.response_timeout = _next_look(proposal, approval)
        super().execute(context)
        return None

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, str]:  # noqa: ANN401 - Airflow's context
        """Write the answer to the ledger.

        Raises:
            AirflowSkipException: the person rejected, nobody answered in time, or the proposal is void: promotion records it.
            AirflowFailException: Airflow names no person, or one whose answer does not count.
            TaskAwaitingInput: nobody has answered yet, and the proposal still waits.
        """
        try:
            answer = super().execute_complete(context, event)
        except HITLTimeoutError:
            return self._wait_on(context)
        person = (answer["responded_by_user"] or {}).get("id")
        approved, run = answer["chosen_options"] == [APPROVE], self._run(context)
        with translated_errors(context, run, self.task_id):
            settings = task_settings()
        with translated_errors(context, run, self.task_id, settings):
            ledger, proposal = self._proposal(run, settings)
            if not person:
                raise BadInput("Airflow does not say who answered", "an authenticated user", "log in and answer again")
            reason = str(answer["params_input"].get(REASON) or "")
            record_answer(ledger, proposal, person, run, approve=approved, reason=reason)
        if not approved:
            raise AirflowSkipException(f"{person} rejected the proposal")
        self.log.info("%s approved proposal %d of %s", person, proposal.number, self.model)
        return {"person": person}

    def _wait_on(self, context: Any) -> dict[str, str]:  # noqa: ANN401 - Airflow's context
        """Wait for longer, if the proposal still waits for this answer.

        The question is not written again: that would delete an answer that came since the last wait ended. Airflow resumes at once for such an answer.
        """
        run = self._run(context)
        with translated_errors(context, run, self.task_id):
            settings = task_settings()
        with translated_errors(context, run, self.task_id, settings):
            _, proposal, approval, answers = self._asked(run, settings)
        if len(answers) >= self.number:
            return {"person": answers[self.number - 1].person}
        if datetime.now(UTC) >= proposal.time + timedelta(days=approval.expires_days):
            raise AirflowSkipException("nobody answered in time")
        raise TaskAwaitingInput(method_name="execute_complete", timeout=_next_look(proposal, approval))

    def _run(self, context: Any) -> str:  # noqa: ANN401 - Airflow's context
        return run_name(context["dag"].dag_id, context["run_id"])

    def _asked(self, run: str, settings: Settings) -> tuple[Ledger, LedgerEntry, Approval, Sequence[Answer]]:
        """The proposal, what it asks for, and the answers so far.

        Raises:
            AirflowSkipException: nobody has to answer any more.
        """
        ledger, proposal = self._proposal(run, settings)
        answers, approval = read_answers(ledger, proposal), proposal.approval
        if approval is None or any(not answer.approve for answer in answers):
            raise AirflowSkipException("the proposal has its answers")
        return ledger, proposal, approval, answers

    def _proposal(self, run: str, settings: Settings) -> tuple[Ledger, LedgerEntry]:
        """The proposal of the stored plan, which nobody can edit in Airflow.

        Raises:
            AirflowSkipException: the proposal is void, or the run has none.
        """
        from pipeline.artifacts import open_store
        from pipeline.artifacts.sealed import read_record
        from pipeline.planning.plan import Plan
        from pipeline.registry.end_proposal import waiting_proposal
        from pipeline.registry.ledger import Ledger
        from pipeline.runs.records import plan_key

        ledger = Ledger(open_store(settings), self.model)
        number = read_record(ledger.store, plan_key(run), Plan.model_validate_json).proposal
        if number is None:
            raise AirflowSkipException("this run has no proposal")
        try:
            return ledger, waiting_proposal(ledger, number, ledger.head())
        except (BadInput, Outdated) as void:
            raise AirflowSkipException(str(void)) from void


def _next_look(proposal: LedgerEntry, approval: Approval) -> timedelta:
    """How long to wait before the next look at a proposal: not beyond its end."""
    ends = proposal.time + timedelta(days=approval.expires_days)
    return max(min(ends - datetime.now(UTC), LOOK_EVERY), timedelta(seconds=1))


def _body(model: str, proposal: LedgerEntry, approved: list[str]) -> str:
    """Markdown for Airflow's page: why the model passed the gate, with the table of the decision."""
    from pipeline.registry.decision_table import decision_rows, headings, price, seed_lines

    rows = [headings(proposal), *decision_rows(proposal)]
    table = ["| " + " | ".join(row) + " |" for row in rows]
    table.insert(1, "|" + "---|" * len(rows[0]))
    against = f"the champion of ledger entry {proposal.against}" if proposal.against else "no champion"
    lines = [
        f"Version {proposal.challenger.version} of {model} passed the gate against {against}.",
        *([f"Approved by {', '.join(approved)}."] if approved else []),
        f"Run: `{proposal.run}`, started by {', '.join(proposal.started_by) or 'nobody'}. Evidence: `{proposal.basis[:12]}`.",
        "",
        *(table if proposal.rules else proposal.reasons),
        "",
        *seed_lines(proposal),
        price(proposal),
    ]
    return "\n".join(lines)
