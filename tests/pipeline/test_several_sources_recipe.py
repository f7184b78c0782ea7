"""Several sources in a recipe: what is refused when the recipe is read, and what does not change its identity."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from fixtures.families import CONFIGS

from pipeline.artifacts import open_artifacts
from pipeline.errors import BadInput
from pipeline.experiments.records import Pinned
from pipeline.lines import trace
from pipeline.planning.resolve import InputResolver
from pipeline.recipe.overrides import override, replace_fields
from pipeline.recipe.partitions import at_partition
from pipeline.recipe.recipe import check_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

ROWS = {"kind": "jsonl", "path": "data/rows.jsonl", "columns": {"text": "body", "target": "summary", "group": "site"}}
BOOKS = {"kind": "text", "path": "data/books"}
SPLIT = {"salt": "s"}


def recipe(data: dict[str, Any], **changes: Any) -> Recipe:
    return check_recipe(
        {
            "name": "tiny",
            "data": {"split": SPLIT, **data},
            "model": {"family": "t5", "config": CONFIGS["t5"]},
            "task": {"kind": "summarization"},
            "finetuning": {"steps": 1},
            "registration": {"model": "tiny"},
            **changes,
        },
        "tiny.yaml",
    )


def several(**changes: Any) -> Recipe:
    return recipe({"sources": {"rows": {**ROWS, **changes}, "books": BOOKS}})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, r"tiny\.yaml: data has neither source nor sources"),
        ({"source": ROWS, "sources": {"books": BOOKS}}, "data has both source and sources; .*fix: keep one of them"),
        ({"sources": {}}, "data.sources is empty"),
        ({"sources": {"Bad name": ROWS}}, "data.sources has the name 'Bad name'; expected lower-case letters, digits"),
        ({"sources": {"": ROWS}}, "data.sources has the name ''"),
        ({"sources": {"a" * 41: ROWS}}, "at most 40; fix: rename the source"),
        ({"sources": {"a": ROWS, "b": {**ROWS, "path": "./data/rows.jsonl"}}}, r"data\.sources\.a and data\.sources\.b have the same path"),
        ({"sources": {"a": ROWS, "b": {**ROWS, "path": "data/rows.jsonl/"}}}, "have the same path 'data/rows.jsonl/'"),
        ({"sources": {"a": {"kind": "pydocs"}, "b": {"kind": "pydocs"}}}, r"have the same packages \[\]"),
        ({"sources": {"a": {**ROWS, "weight": 0}}}, r"data\.sources\.a\.weight = 0; expected greater than or equal to 0\.001"),
        ({"sources": {"a": {**ROWS, "weight": -2}}}, r"data\.sources\.a\.weight = -2; expected greater"),
        ({"sources": {"a": {**ROWS, "weight": 1e6}}}, r"data\.sources\.a\.weight = 1000000.0; expected less than or equal to 100"),
        ({"sources": {"a": {**ROWS, "weight": float("nan")}}}, r"data\.sources\.a\.weight = nan; expected a finite number"),
        ({"sources": {"a": {**ROWS, "max_documents": 0}}}, r"data\.sources\.a\.max_documents = 0; expected greater"),
        ({"sources": {"a": {**ROWS, "wieght": 2}}}, r"'data\.sources\.a\.wieght'.*did you mean 'data\.sources\.a\.weight'"),
        ({"sources": {"a": {**ROWS, "kind": "jsnl"}}}, r"unknown data\.sources\.kind in tiny\.yaml: 'jsnl'.*did you mean 'jsonl'"),
        ({"sources": {"a": ROWS, "b": {"kind": "jsonl"}}}, r"data\.sources\.b has no path for kind 'jsonl'.*add data\.sources\.b\.path"),
        ({"sources": {"a": ROWS, "b": {**BOOKS, "delimiter": ","}}}, r"data\.sources\.b\.delimiter with kind 'text'"),
        ({"sources": {"a": BOOKS}}, r"needs a target; data\.sources\.a\.kind 'text' has none"),
        ({"sources": [ROWS]}, r"data\.sources = \[.*\]; expected a valid dictionary"),
        (
            {"sources": {"a": {**ROWS, "path": "a/{partition}", "partitions": {"by": "day"}}, "b": {**ROWS, "path": "b/{partition}"}}},
            r"data\.sources\.b\.path 'b/\{partition\}' has \{partition\}, but data\.sources\.b has no partitions",
        ),
        (
            {
                "sources": {
                    "a": {**ROWS, "path": "a/{partition}", "partitions": {"by": "day"}},
                    "b": {**ROWS, "path": "b/{partition}", "partitions": {"by": "hour"}},
                }
            },
            r"data\.sources\.b\.partitions\.by is 'hour', and data\.sources\.a\.partitions\.by is 'day'",
        ),
    ],
)
def test_what_does_not_fit_is_refused_when_the_recipe_is_read(data: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        recipe(data)


def test_texts_without_a_target_may_join_records_that_have_one() -> None:
    found = several()
    assert [part.name for part in found.data.parts] == ["rows", "books"]
    with pytest.raises(BadInput, match=r"data\.sources\.rows\.columns|needs a target"):
        several(columns={"text": "body"})


def test_the_order_of_the_sources_survives_sorted_json() -> None:
    found = recipe({"sources": {"z": ROWS, "a": BOOKS}})
    again = check_recipe(json.loads(json.dumps(found.model_dump(mode="json"), sort_keys=True)), "again")
    assert list(again.data.sources or ()) == ["z", "a"]
    assert again == found
    with pytest.raises(BadInput, match="a name for each source"):
        recipe({"sources": [{"name": "a", **ROWS}, {"name": "a", **BOOKS}]})


def test_weights_change_tokenization_only_and_caps_no_cleaning() -> None:
    def params(changed: Recipe) -> dict[str, Any]:
        return {step.id: step.params.model_dump(mode="json") for step in trace(changed, "train")}

    def of(**changes: Any) -> dict[str, Any]:
        found = several(**changes)
        return params(check_recipe({**found.model_dump(mode="json"), "workers": {"cleaning": 2, "tokenization": 2}}, "x"))

    plain, weighted, capped = of(), of(weight=2.5), of(max_documents=10)
    assert {name for name in plain if plain[name] != weighted[name]} == {"encoding", "encoding-2", "tokenization"}
    assert weighted["tokenization"]["weights"] == weighted["encoding"]["weights"] == {"by_source": {"rows": 2.5}}
    assert plain["tokenization"]["weights"] is None
    assert {name for name in plain if plain[name] != capped[name]} == {"ingestion"}


def test_a_run_reads_one_partition_of_every_divided_source() -> None:
    found = recipe(
        {"sources": {"rows": {**ROWS, "path": "rows/{partition}", "partitions": {"by": "day"}}, "books": BOOKS}},
    )
    fixed = at_partition(found, "2026-11-24", datetime(2026, 11, 26, tzinfo=UTC))
    assert [part.source.partition for part in fixed.data.parts] == ["2026-11-24", None]
    assert (fixed.data.partition, found.data.partition) == ("2026-11-24", None)


def test_a_run_may_not_change_its_sources() -> None:
    with pytest.raises(BadInput, match=r"a run cannot change data\.sources"):
        override(several(), {"data.sources": {}})
    assert replace_fields(several(), {"data.sources": None, "data.source": ROWS}, "x").data.parts[0].name == ""


def test_a_rule_about_a_source_names_one() -> None:
    rules = [{"rule": "documents", "min": 1}, {"rule": "source", "of": "rows", "max": 0.5}]
    both = {"sources": {"rows": ROWS, "books": BOOKS}}
    assert recipe({**both, "checks": {"rules": rules}}).data.checks
    with pytest.raises(BadInput, match=r"data\.checks\.rules\.1 names the source 'rows', which data\.sources does not have"):
        recipe({"source": ROWS, "checks": {"rules": rules}})
    rules[1]["of"] = "row"
    with pytest.raises(BadInput, match=r"'row', which .*; expected one of: rows, books"):
        recipe({**both, "checks": {"rules": rules}})


def test_fresh_labelled_records_are_one_source_beside_several() -> None:
    labelled = {"source": {**ROWS, "path": "fresh.jsonl"}, "threshold": 10, "least": 20}
    found = recipe({"sources": {"rows": ROWS, "books": BOOKS}}, monitor={"labelled": labelled}, evaluation={"examples": 500})
    ingestion = next(step for step in trace(found, "monitor") if step.id == "ingestion")
    data = ingestion.params.model_dump(mode="json")["data"]
    assert (data["source"]["path"], data["sources"]) == ("fresh.jsonl", None)
    with pytest.raises(BadInput, match=r"monitor\.labelled\.source has no path"):
        recipe(
            {"sources": {"rows": ROWS, "books": BOOKS}},
            monitor={"labelled": {**labelled, "source": {"kind": "jsonl", "columns": {"target": "t"}}}},
            evaluation={"examples": 500},
        )


def test_a_study_and_a_request_keep_the_pins_of_all_sources(tmp_path: Path, folder_settings: Settings) -> None:
    (tmp_path / "rows-2026-11-24.jsonl").write_text('{"body": "a", "summary": "b"}\n')
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "one.txt").write_text("Once upon a time.\n")
    (tmp_path / "books" / "one.pdf").write_text("no text")
    divided = {**ROWS, "path": f"{tmp_path}/rows-{{partition}}.jsonl", "partitions": {"by": "day"}}
    found = recipe({"sources": {"rows": divided, "books": {**BOOKS, "path": str(tmp_path / "books")}}})
    steps = trace(at_partition(found, "2026-11-24", datetime(2026, 11, 26, tzinfo=UTC)), "train")
    resolver = InputResolver(folder_settings, open_artifacts(folder_settings))
    pinned = resolver.pin(steps)
    assert resolver.left_out() == ["data.sources.books: not read: files of other formats: 1 (one.pdf)"]
    again = Pinned.model_validate_json(pinned.model_dump_json())
    assert again == pinned
    (pin,) = again.sources.values()
    assert [(part.name, part.pin.items[0].name.rpartition("/")[2]) for part in pin.parts] == [
        ("rows", "rows-2026-11-24.jsonl"),
        ("books", "one.txt"),
    ]
    assert pin.digest == next(iter(pinned.sources.values())).digest
    assert pin.without(("a",), 1).digest != pin.digest
    assert pin.without((), 1).digest == pin.digest
    assert InputResolver(folder_settings, open_artifacts(folder_settings), again).pin(steps) == pinned
