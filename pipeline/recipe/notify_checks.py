"""Check that people can be reminded of what the recipe says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.recipe.notify import Event

if TYPE_CHECKING:
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe


def reminder_problem(recipe: Recipe) -> Problem:
    """What is wrong with ``notify.remind_days``, if anything."""
    notify, approval = recipe.notify, recipe.registration.approval
    if notify is None or notify.remind_days is None:
        return None
    got = f"notify.remind_days {notify.remind_days:g}"
    if approval is None:
        return f"{got} without registration.approval: nobody is asked", "", "add registration.approval, or remove it"
    if notify.on is not None and Event.WAITING not in notify.on:
        return f"{got}, but notify.on does not name the event waiting", "", "add waiting to notify.on, or remove remind_days"
    if notify.remind_days >= approval.expires_days:
        return f"{got} is not below registration.approval.expires_days {approval.expires_days:g}", "", "lower it"
    return None
