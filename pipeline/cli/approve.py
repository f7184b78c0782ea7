"""``trainshed approve``: answer a proposal that waits for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import BadInput, unknown_name

if TYPE_CHECKING:
    from pipeline.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("approve")(approve)


def approve(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe.", metavar="RECIPE")],
    user: Annotated[str, typer.Option("--as", help="User of the local Airflow; by default the one of the settings.", metavar="USER")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="Reject the proposal instead.")] = False,
    reason: Annotated[str, typer.Option(help="Reason, for the ledger.")] = "",
) -> None:
    """Approve the model of a recipe that passed the gate and waits for people, or reject it."""
    from pipeline.artifacts import open_store
    from pipeline.recipe import find_recipe
    from pipeline.registry.answers import read_answers
    from pipeline.registry.ledger import Ledger
    from pipeline.settings import load_settings
    from pipeline.submission.airflow_client import Airflow
    from pipeline.submission.approve import answer_proposal

    settings = load_settings()
    found = find_recipe(recipe, settings.recipe_folders)
    if user:
        settings = settings.model_copy(update=_log_in(settings, user))
    person = settings.airflow_username
    proposal = answer_proposal(Airflow(settings), found, settings, person, approve=not reject, reason=reason)
    name, version = found.registration.model, proposal.challenger.version
    if reject:
        typer.echo(f"{person} rejected version {version} of {name} (proposal {proposal.number}); the champion stays")
        return
    people = len(read_answers(Ledger(open_store(settings), name), proposal))
    wanted = proposal.approval.people if proposal.approval else 0
    end = "it is promoted next" if people >= wanted else f"{wanted - people} more to go"
    typer.echo(f"{person} approved version {version} of {name} (proposal {proposal.number}): {people} of {wanted}; {end}")


def _log_in(settings: Settings, user: str) -> dict[str, object]:
    """The log-in of a user of the local stack, from Airflow's file of passwords.

    Raises:
        BadInput: there is no such file, or no such user in it.
    """
    from pydantic import SecretStr

    from pipeline.stack.airflow_config import PASSWORDS

    file = settings.state / PASSWORDS
    try:
        passwords: dict[str, str] = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"no passwords of a local Airflow in {file}",
            "",
            "set TRAINSHED_AIRFLOW_USERNAME and TRAINSHED_AIRFLOW_PASSWORD instead of --as",
        ) from error
    if user not in passwords:
        raise unknown_name("user of the local Airflow", user, passwords)
    return {"airflow_username": user, "airflow_password": SecretStr(passwords[user])}
