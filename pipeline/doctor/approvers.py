"""The people whom recipes ask: the local Airflow knows each of them.

Airflow's interface for tasks lists no users, so the task that asks cannot check that. A person whom Airflow does not know cannot log in, and the proposal
expires. Other installations keep their users elsewhere, e.g. at an identity provider; nothing is checked there.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.doctor.base import Finding
from pipeline.errors import BadInput
from pipeline.recipe import read_recipe, recipe_files
from pipeline.stack.airflow_config import PASSWORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

FIELD = "registration.approval.from"


def check_approvers(settings: Settings) -> Iterator[Finding]:
    """Compare the names in `registration.approval.from` with the users of the local Airflow."""
    file = settings.state / PASSWORDS
    try:
        users = sorted(json.loads(file.read_bytes()))
    except FileNotFoundError:
        yield Finding("ok", "no local Airflow has users; approvers are not checked")
        return
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {type(error).__name__}", "", "run `trainshed up`, which writes it") from error
    asked, well = 0, True
    for name, path in sorted(recipe_files(settings.recipe_folders).items()):
        try:
            approval = read_recipe(path).registration.approval
        except BadInput:  # the check of the recipes says why
            continue
        for person in approval.approvers if approval else ():
            asked += 1
            if person not in users:
                well = False
                near = get_close_matches(person, users, n=1)
                fix = f"did you mean {near[0]!r}?" if near else f"correct {FIELD} in the recipe"
                yield Finding(
                    "warning",
                    f"recipe {name}: the local Airflow has no user {person!r}, named in {FIELD}",
                    f"one of: {', '.join(users)}",
                    fix,
                )
    if well:
        yield Finding("ok", f"{asked} approvers in recipes; the local Airflow knows each" if asked else "no recipe asks for approval")
