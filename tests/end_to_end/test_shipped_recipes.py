"""Every recipe that ships runs through Airflow to a champion, as `make demo RECIPE=<name>` runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fixtures.commands import trainshed
from fixtures.shipped import RECIPES

if TYPE_CHECKING:
    from fixtures.stack import RunningStack

OWN_TIMEOUT_S = 3600
"""SmolLM2 trains and answers for half an hour on two cores."""


@pytest.mark.prove
@pytest.mark.timeout(OWN_TIMEOUT_S)
@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_becomes_champion(name: str, stack: RunningStack) -> None:
    shown = trainshed(stack, "run", name).stdout
    assert f"{name} version 1 is champion" in shown
