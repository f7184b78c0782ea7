"""Versions of real lines on this machine: compared on one test set, an alias moved by hand, and the page after each run."""

from __future__ import annotations

import pytest

from pipeline import cli
from pipeline.local.score_versions import score_versions
from pipeline.registry.ledger import Ledger
from pipeline.registry.version_names import model_of_version
from pipeline.registry.versions import read_aliases, set_alias
from pipeline.tracking import MlflowServer

pytestmark = pytest.mark.timeout(600)  # whole lines run, some of them twice


@pytest.mark.prove
def test_what_was_not_scored_is_scored_once_and_a_moved_alias_is_reported(make_line, capsys) -> None:
    line = make_line()
    name, server = line.recipe.registration.model, MlflowServer(line.settings)
    line.run()
    line.run({"finetuning.seed": 1})
    champion = read_aliases(server, name)["champion"]
    other = 3 - champion
    set_alias(server, name, "champion", other)

    # a miss of registration: nothing but the plan looks at the aliases before it
    heard = line.run({"finetuning.seed": 2, "evaluation.examples": 15})
    warning = f"alias champion of {name} points to version {other} in MLflow, but the ledger says version {champion}; it was put back"
    assert warning in heard.plans[-1].warnings
    page = line.artifacts.store.get("pages/index.html").data.decode()
    assert f"versions/{read_aliases(server, name)['champion']}" in page

    # all three were scored: the second one with more examples than the third
    models = [model_of_version(f"{name}/{version}", line.settings)[1] for version in (other, 3)]
    lines: list[str] = []
    first = score_versions(line.settings, name, models, f"compare-{name}", lines.append)
    assert [model.digest for model in first.evaluated] == [models[0].digest]
    assert lines
    assert len(first.scores[0].ids) == len(first.scores[1].ids) == 15
    again = score_versions(line.settings, name, models, f"compare-{name}-again", lines.append)
    assert again.evaluated == ()
    assert [scores.statistics["model"].keys() for scores in again.scores] == [scores.statistics["model"].keys() for scores in first.scores]

    capsys.readouterr()
    assert cli.run(["models", "compare", name, str(other), "3"]) == 0
    assert "15 test examples in" in capsys.readouterr().out
    assert Ledger(line.artifacts.store, name).head().number == 3
    assert cli.run(["models", "verify", name]) == 0
