"""How often a run on this machine is planned again, by what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import Outdated, SourceChanged
from pipeline.local.run import LocalRun

if TYPE_CHECKING:
    from pipeline.settings import Settings


class Failing(LocalRun):
    """A run whose line fails so often; what comes after planning is not looked at."""

    failures: list[Outdated]

    def _run_line(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


def run(failures: list[Outdated], settings: Settings) -> None:
    unused: Any = None
    line = Failing(unused, "run", settings, unused)
    line.failures = failures
    line.execute()


@pytest.mark.parametrize(("error", "most"), [(SourceChanged("rows.jsonl changed"), 1), (Outdated("the champion changed"), 3)])
def test_a_source_that_changes_is_planned_again_once_and_a_champion_three_times(
    error: Outdated, most: int, folder_settings: Settings
) -> None:
    run([error] * most, folder_settings)
    with pytest.raises(type(error), match="changed"):
        run([error] * (most + 1), folder_settings)


def test_a_source_that_keeps_changing_is_bad_input() -> None:
    assert SourceChanged("rows.jsonl changed").exit_code == 2
