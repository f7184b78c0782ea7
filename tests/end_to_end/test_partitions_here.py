"""Partitions on this machine: one model for each, compared with the champion that the earlier ones made, and only once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import yaml
from fixtures.tiny import sentences

from pipeline import cli
from pipeline.planning import Status, plan_run
from pipeline.planning.decided import REASON
from pipeline.recipe.overrides import replace_fields
from pipeline.recipe.partitions import at_partition
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.line import Heard, Line

pytestmark = pytest.mark.timeout(600)

DAYS = ("2026-11-20", "2026-11-21", "2026-11-22")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALL = ["ingestion", "tokenization", "finetuning", "evaluation", "registration"]


def write_day(folder: Path, number: int, day: str) -> None:
    rows = [
        {"name": who, "body": f"{summary.split()[0]}s what it can. {text} {day}", "summary": summary}
        for who, text, summary in sentences(200 * (number + 1))[200 * number :]
    ]
    place = folder / day
    place.mkdir(parents=True, exist_ok=True)
    (place / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))


@pytest.fixture
def line(make_line, tmp_path: Path) -> Line:
    """A line whose source has three days, without pretraining."""
    made = make_line()
    for number, day in enumerate(DAYS):
        write_day(tmp_path / "days", number, day)
    source = {
        "kind": "jsonl",
        "path": f"{tmp_path}/days/{{partition}}/",
        "partitions": {"by": "day"},
        "columns": {"text": "body", "target": "summary"},
    }
    made.recipe = replace_fields(made.recipe, {"data.source": source, "pretraining": None}, "a test")
    return made


def run_day(line: Line, day: str) -> Heard:
    plain = line.recipe
    try:
        line.recipe = at_partition(plain, day, NOW)
        return line.run()
    finally:
        line.recipe = plain


def planned(line: Line, day: str) -> dict[str, str]:
    """What a run of a day would do, by step."""
    plan = plan_run(at_partition(line.recipe, day, NOW), "planned", line.settings, record=False)
    return {row.id: row.reason or row.status for row in plan.steps if row.status is not Status.HIT}


@pytest.mark.prove
def test_each_partition_trains_one_model_once_whoever_becomes_champion(line: Line, tmp_path: Path) -> None:
    ledger = Ledger(line.artifacts.store, line.recipe.registration.model)
    assert run_day(line, DAYS[0]).launched == ALL
    registration = line.manifest("registration")
    first = ledger.champion()
    assert run_day(line, DAYS[1]).launched == [*ALL[:-1], "champion_evaluation", "registration"]
    second = ledger.head()
    assert (second.number, second.against) == (2, first.number)
    assert second.digest != first.digest

    # from now on the second day's model is champion, which was never compared with the first on the first day
    ledger.append(second.model_copy(update={"number": 3, "decision": Outcome.PROMOTED, "serves": True, "basis": "", "run": "a-person"}))
    for day in DAYS[:2]:
        assert run_day(line, day).launched == []
    assert planned(line, DAYS[0]) == {"champion_evaluation": REASON}
    assert ledger.head().number == 3

    line.artifacts.store.delete(f"manifests/registration/{registration.fingerprint}.json")
    assert planned(line, DAYS[0]).keys() == {"champion_evaluation", "registration"}
    rows = tmp_path / "days" / DAYS[1] / "rows.jsonl"
    rows.write_text(rows.read_text().replace("what it can", "all that it can"))  # its data was corrected
    assert planned(line, DAYS[1]).keys() == {*ALL, "champion_evaluation"}


@pytest.mark.prove
def test_a_recipe_that_starts_from_the_champion_trains_a_partition_once_too(line: Line, tmp_path: Path) -> None:
    name = line.recipe.registration.model
    ledger = Ledger(line.artifacts.store, name)
    run_day(line, DAYS[0])
    model = {"start": f"models:/{name}@champion", "context": 64, "family": None, "config": {}}
    line.recipe = replace_fields(line.recipe, {"model": model}, "a test")
    assert "finetuning" in run_day(line, DAYS[1]).launched
    second = ledger.head()
    assert line.manifest("finetuning").inputs["base"].digest == ledger.entry(1).digest
    promoted = {"number": 3, "decision": Outcome.PROMOTED, "serves": True, "basis": "", "run": "a-person"}
    ledger.append(second.model_copy(update=promoted))

    # it would start from another model now
    assert planned(line, DAYS[1]).keys() >= {"finetuning", "evaluation", "champion_evaluation", "registration"}
    assert set(planned(line, DAYS[1]).values()) == {REASON}
    assert run_day(line, DAYS[1]).launched == []
    assert "finetuning" in planned(line, DAYS[2])
    plain = line.recipe
    line.recipe = replace_fields(plain, {"finetuning.seed": 7}, "a test")
    assert planned(line, DAYS[1])["finetuning"] != REASON
    line.recipe = plain
    rows = tmp_path / "days" / DAYS[1] / "rows.jsonl"
    rows.write_text(rows.read_text().replace("what it can", "all that it can"))  # its data was corrected
    assert REASON not in planned(line, DAYS[1]).values()


@pytest.mark.prove
def test_back_fill_plans_all_before_the_first_run_and_skips_what_has_its_model(line: Line, tmp_path: Path, capsys) -> None:
    path = tmp_path / f"{line.recipe.name}.yaml"
    path.write_text(yaml.safe_dump(line.recipe.model_dump(mode="json")))
    backfill = ["backfill", str(path), "--local", "--from", DAYS[0], "--to"]
    assert cli.run([*backfill, "2026-11-23"]) == 2
    said = capsys.readouterr()
    assert "partition 2026-11-23 is missing" in said.err
    assert "the nearest one is 2026-11-22" in said.err
    assert Ledger(line.artifacts.store, line.recipe.registration.model).head() is None

    assert cli.run([*backfill, DAYS[1]]) == 0
    assert cli.run([*backfill, DAYS[2]]) == 0
    said = capsys.readouterr().out
    assert said.count("has its model") == 2
    assert Ledger(line.artifacts.store, line.recipe.registration.model).head().number == len(DAYS)
    assert cli.run([*backfill, DAYS[2]]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing new"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "2026-11-22", "--to", "2026-11-20"], "partition 2026-11-22 is later than 2026-11-20"),
        (["--from", "2026-13-01", "--to", "2026-11-20"], "partition '2026-13-01'; expected a day such as 2026-11-24"),
        (["--from", "2006-11-20", "--to", "2026-11-20"], "7306 partitions from 2006-11-20 to 2026-11-20; expected 1000 at most"),
    ],
)
def test_wrong_ranges_are_told_in_one_line(line: Line, tmp_path: Path, capsys, arguments: list[str], said: str) -> None:
    path = tmp_path / f"{line.recipe.name}.yaml"
    path.write_text(yaml.safe_dump(line.recipe.model_dump(mode="json")))
    assert cli.run(["backfill", str(path), *arguments]) == 2
    assert said in capsys.readouterr().err
