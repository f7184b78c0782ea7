"""A document is forgotten: what holds it is listed, the next corpus and model do not hold it, and no version that holds it is promoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixtures.line import Heard

from pipeline import cli
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import SPLITS
from pipeline.erasure.tombstones import APPLIED
from pipeline.errors import BadInput
from pipeline.local.run import run_local
from pipeline.planning import Status
from pipeline.planning.planner import Planner
from pipeline.recipe.overrides import replace_fields
from pipeline.recipe.recipe import check_recipe
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Outcome
from pipeline.registry.rollback import roll_back
from pipeline.tracking import MlflowServer

if TYPE_CHECKING:
    from fixtures.line import Line

    from pipeline.recipe import Recipe

pytestmark = pytest.mark.timeout(600)  # whole lines run, several times

SECRET = "Ann Smith lives at 12 Main Street, and her number is 555 0100."


def plant(line: Line) -> None:
    """Put a document about a person into the source, twice: the second time with another answer."""
    place = line.recipe.data.source.path
    assert place
    with Path(place).open("a", encoding="utf-8") as file:
        for number in range(2):
            file.write(
                "\n"
                + json.dumps({"name": f"person.{number}", "body": SECRET, "summary": f"Tell where Ann lives {number}.", "shop": "person"})
            )


def other_recipe(line: Line, tmp_path: Path) -> Recipe:
    """A recipe of other data, without the document; it ends with pretraining and fine-tuning as the first does."""
    place = tmp_path / "other.jsonl"
    place.write_text("\n".join((tmp_path / "rows.jsonl").read_text().splitlines()[:300]))
    plain = json.loads(line.recipe.model_dump_json(exclude_none=True))
    plain["name"] = plain["registration"]["model"] = f"{line.recipe.name}-other"
    plain["data"]["source"]["path"] = str(place)
    return check_recipe(plain, "other")


def texts(line: Line, corpus, tmp_path: Path) -> list[tuple[str, str]]:
    folder = line.artifacts.open(corpus, tmp_path / corpus.fingerprint[:12])
    return [(one.id, one.text) for split in SPLITS for one in read_documents(folder, split)]


@pytest.mark.prove
def test_a_forgotten_document_is_in_no_later_corpus_and_model(make_line, tmp_path: Path, capsys) -> None:
    line = make_line()
    line.recipe = replace_fields(line.recipe, {"registration.gate.replace_forgotten": True}, "a test")
    other = other_recipe(line, tmp_path)
    run_local(other, f"{other.name}-1", line.settings, Heard())
    plant(line)
    line.run()
    first = {step: line.manifest(step) for step in ("ingestion", "tokenization", "pretraining", "finetuning", "evaluation", "registration")}
    model = line.recipe.registration.model
    (one, *_) = [one for one, text in texts(line, first["ingestion"], tmp_path) if "Ann Smith" in text]
    capsys.readouterr()

    assert cli.run(["forget", "--document", one, "--reason", "asked by mail"]) == 0
    said = capsys.readouterr()
    listed = {
        tuple(row.split()[2:4])
        for row in said.out.splitlines()
        if row.split()[:1][0] in {"corpus", "tokens", "model", "report", "version"} and len(row.split()) > 5
    }
    assert listed == {(made.fingerprint[:12], made.digest[:12]) for made in first.values()}
    assert f"version     {model} 1: champion, serves" in said.out
    assert "SERVES" in said.err
    assert "Ann" not in json.dumps([line.artifacts.store.get(stat.key).data.decode() for stat in line.artifacts.store.list("forgotten/")])

    planned = Planner(line.recipe, line.settings, read_only=True).plan("p").step("ingestion")
    assert planned.status is Status.MISS
    assert planned.reason == "it holds documents that are to be forgotten (entry 1)"
    assert Planner(other, line.settings, read_only=True).plan("p").nothing_to_do

    again = line.run()
    assert set(again.launched) == {*first, "champion_evaluation"}
    second = line.manifest("ingestion")
    assert not [text for _, text in texts(line, second, tmp_path) if "Ann Smith" in text]  # with its other answer, too
    assert second.counts["filtered_forgotten"] == 2
    assert second.counts[APPLIED] == 1
    ledger = Ledger(line.artifacts.store, model)
    champion = ledger.champion()
    assert champion.digest == line.manifest("finetuning").digest != first["finetuning"].digest
    assert line.run().launched == []

    with pytest.raises(BadInput, match=r"version 1 is not promoted again: it was made from documents that are to be forgotten"):
        roll_back(MlflowServer(line.settings), line.artifacts, model, "by a test")
    assert ledger.champion().number == champion.number
    capsys.readouterr()
    assert cli.run(["models", "show", model]) == 0
    shown = capsys.readouterr().out
    assert "version 1 (former champion) was made from documents that are to be forgotten (entry 1" in shown
    assert "IT SERVES" not in shown
    assert cli.run(["forget", "--list"]) == 0
    assert f"{model} 1" in capsys.readouterr().out


@pytest.mark.prove
def test_a_model_that_was_trained_meanwhile_is_refused_and_the_next_one_is_not(make_line, tmp_path: Path, capsys) -> None:
    line = make_line()
    plant(line)

    class Forgetting(Heard):
        def on_step_start(self, step_id: str) -> None:
            if step_id == "finetuning":
                place = tmp_path / "asked.txt"
                place.write_text(SECRET.upper())
                assert cli.run(["forget", "--match", str(place)]) == 0
            super().on_step_start(step_id)

    line.run(heard=Forgetting())
    ledger = Ledger(line.artifacts.store, line.recipe.registration.model)
    refused = ledger.head()
    assert (refused.decision, ledger.champion()) == (Outcome.REFUSED, None)
    assert refused.reasons == ("it was made from documents that are to be forgotten (entry 1 of `trainshed forget --list`)",)
    page = line.artifacts.open(line.manifest("registration"), tmp_path / "decision") / "decision.html"
    assert "documents that are to be forgotten" in page.read_text()
    line.run()
    assert ledger.champion().digest == line.manifest("finetuning").digest != refused.digest
