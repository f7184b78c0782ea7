"""The checks of a corpus in a line: no fingerprint of a corpus changes by them, a stop ends the run, and the page is in MLflow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from fixtures.line import Heard

from pipeline.artifacts.types import ArtifactType
from pipeline.errors import BadInput
from pipeline.local.run import run_local
from pipeline.planning import Status
from pipeline.planning.planner import Planner
from pipeline.recipe.overrides import replace_fields

pytestmark = pytest.mark.timeout(600)  # whole lines run


def rules(*given: dict[str, object]) -> dict[str, object]:
    return {"data.checks": {"rules": list(given)}}


@pytest.mark.prove
def test_checks_change_no_corpus_and_a_stop_ends_the_run(make_line, tmp_path: Path, monkeypatch) -> None:
    line = make_line()
    plain = Planner(line.recipe, line.settings, read_only=True).plan("p").step("ingestion").fingerprint
    few = {"rule": "documents", "min": 100}
    compared = {"rule": "change", "of": "previous", "min": -0.1, "max": 0.1, "level": "warn"}
    checked = rules(few, {"rule": "mean_length", "min": 1000, "level": "warn"}, compared, {"rule": "drift", "of": "champion"})

    def run(number: int, changes: dict[str, object], heard: Heard) -> Heard:
        """Run under a name as the command line gives it: the previous corpus is that of an earlier run of the recipe."""
        recipe = replace_fields(line.recipe, changes, "a test")
        line.outputs = run_local(recipe, f"{recipe.name}-20260101-00000{number}-abcd", line.settings, heard)
        return heard

    first = run(1, checked, Heard())
    assert first.launched[:3] == ["ingestion", "data_check", "tokenization"]
    assert line.manifest("ingestion").fingerprint == plain
    assert any("data.checks: mean length is" in said for said in first.lines)
    made = line.manifest("data_check")
    assert (made.type, made.counts) == (ArtifactType.DATA_REPORT, {"rules_met": 3, "rules_warning": 1, "rules_stopped": 0})
    folder = line.artifacts.open(made, tmp_path / "report")
    findings = {found["rule"]: found for found in json.loads((folder / "report.json").read_text())["findings"]}
    assert findings["change from previous"]["value"] == "nothing to compare with"
    assert yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])["task_categories"] == ["summarization"]
    assert "Corpus of" in (folder / "report.html").read_text()
    assert line.artifacts.resolve(line.manifest("tokenization").inputs["checked"]) == made

    # other rules: only the check runs, and everything after it is still a hit
    assert run(2, rules(few, compared), Heard()).launched == ["data_check"]

    place = Path(line.recipe.data.source.path)
    place.write_text("\n".join(place.read_text().splitlines()[:200]))
    heard = Heard()
    stopping = rules(few, {**compared, "level": "stop"})
    with pytest.raises(
        BadInput, match=r"data.checks: change from previous is -\d+\.\d %; expected -10 % to 10 %; fix: .*trainshed data show"
    ):
        run(3, stopping, heard)
    assert heard.launched == ["ingestion", "data_check"]
    planned = Planner(replace_fields(line.recipe, stopping, "a test"), line.settings, read_only=True).plan("p")
    assert (planned.step("data_check").status, planned.step("tokenization").status) == (Status.MISS, Status.PENDING)
