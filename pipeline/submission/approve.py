"""Answer a proposal for a person, through Airflow: Airflow authenticates the person, and its approval task writes the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pipeline.artifacts import open_store
from pipeline.errors import BadInput, Unavailable
from pipeline.registry.answers import APPROVE, REASON, REJECT, question_about, read_answers
from pipeline.registry.ledger import Ledger
from pipeline.runs.names import dag_name

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.registry.ledger_entry import LedgerEntry
    from pipeline.settings import Settings
    from pipeline.submission.airflow_client import Airflow, Question

WAIT_S = 120.0
PAUSE_S = 0.5


def answer_proposal(airflow: Airflow, recipe: Recipe, settings: Settings, person: str, *, approve: bool, reason: str = "") -> LedgerEntry:
    """Answer the recipe's waiting proposal, and wait until the answer is in the ledger.

    Args:
        airflow: logged in as the person.
        recipe: whose model is proposed.
        settings: where the store is.
        person: the name of the user.
        approve: False rejects.
        reason: for the ledger.

    Returns:
        The proposal.

    Raises:
        BadInput: no proposal waits, Airflow asks nobody, or this person may not answer.
        Unavailable: the answer does not appear in the ledger.
    """
    ledger = Ledger(open_store(settings), recipe.registration.model)
    proposal = ledger.waiting(ledger.head())
    if proposal is None:
        raise BadInput(f"no proposal of {ledger.model} waits", "a model that passed the gate", f"run `trainshed run {recipe.name}`")
    question = question_about(ledger.model, proposal.number)
    dag = dag_name(recipe.name, "promote")

    def asked() -> list[Question]:
        return [row for row in airflow.questions(dag) if row.subject.endswith(question)]

    open_questions = asked()
    if not open_questions:
        raise BadInput(
            f"Airflow asks nobody about proposal {proposal.number} of {ledger.model}",
            "a waiting approval",
            f"trigger the DAG {dag} in Airflow",
        )
    option, fields = APPROVE if approve else REJECT, {REASON: reason}
    airflow.answer(open_questions[0], option, fields)
    began = time.monotonic()
    while person not in {answer.person for answer in read_answers(ledger, proposal)}:
        if time.monotonic() - began > WAIT_S:
            raise Unavailable(f"Airflow took the answer of {person}, but it is not in the ledger", "", f"read the log of {dag} in Airflow")
        time.sleep(PAUSE_S)
        # Airflow may lose an answer while the task that asked is still ending; the task then asks again
        for row in asked():
            if person in row.people:
                airflow.answer(row, option, fields)
    return proposal
