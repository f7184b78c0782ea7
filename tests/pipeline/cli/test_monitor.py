"""`trainshed monitor`, with a real MLflow server and a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.simulated_texts import Language

from pipeline import cli
from pipeline.monitoring.look import Looks

if TYPE_CHECKING:
    import pytest
    from fixtures.watched_model import WatchedModel


def test_it_prints_what_was_found_and_writes_the_page(watched: WatchedModel, capsys: pytest.CaptureFixture[str]) -> None:
    watched.promote(days_ago=1)
    watched.change(monitor={"drift": {}})
    watched.serve(Language(2).texts(150, 1))
    assert cli.run(["monitor", str(watched.file)]) == 0
    said = capsys.readouterr().out
    assert f"{watched.model}: drift beyond the limit" in said
    assert "A retraining is due; this look asked for none." in said
    assert [line.split()[-1] for line in said.splitlines() if line.startswith("content")] == ["differs"]
    assert "drift beyond the limit" in (watched.settings.state / "reports" / "watched-monitor.html").read_text()
    (look,) = Looks(watched.artifacts.store, watched.model).newest(5)
    assert not look.event


def test_a_recipe_without_a_monitor_is_one_line(watched: WatchedModel, capsys: pytest.CaptureFixture[str]) -> None:
    watched.change(monitor=None)
    assert cli.run(["monitor", str(watched.file)]) == 2
    assert capsys.readouterr().err == "trainshed: recipe watched has no section monitor; fix: add it: docs/monitoring.md\n"
