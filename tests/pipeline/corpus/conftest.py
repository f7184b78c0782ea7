"""Sources small enough to read in a blink."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fixtures.corpora import COLUMNS

from pipeline.corpus.cleaning_inputs import CleaningInputs
from pipeline.corpus.decontaminate import NO_BENCHMARKS, Benchmarks
from pipeline.corpus.ingest import ingest_corpus
from pipeline.erasure.tombstones import Forgotten
from pipeline.recipe import Columns, Data, Filter, Source, Split
from pipeline.reporter import SilentReporter
from pipeline.sources import PINNERS
from pipeline.tasks.parts import part
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.examples import WrittenExamples

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.corpora import Ingest

    from pipeline.reporter import Reporter
    from pipeline.settings import Settings
    from pipeline.tasks.section import TaskSection


SUMMARIES = Summarization(kind="summarization", min_target_chars=10)


class Texts(WrittenExamples):
    """Examples of a source without targets."""

    def finish(self, folder: Path) -> dict[str, int]:
        return {}


@pytest.fixture
def ingest(tmp_path: Path, folder_settings: Settings) -> Ingest:
    def run(
        kind: str,
        path: Path | str | None,
        name: str = "corpus",
        *,
        columns: Columns | None = None,
        task: TaskSection = SUMMARIES,
        reporter: Reporter | None = None,
        settings: Settings = folder_settings,
        learned: Path | None = None,
        forgotten: Forgotten | None = None,
        tests: Benchmarks = NO_BENCHMARKS,
        **changes: object,
    ) -> tuple[Path, dict[str, int]]:
        output = tmp_path / name
        output.mkdir()
        packages = changes.pop("packages", ())
        split = Split(salt="salt", **changes.pop("split", {}))
        columns = columns or (Columns() if kind == "pydocs" else COLUMNS)
        given = {field: changes.pop(field) for field in ("mask_package", "encoding", "delimiter", "quote") if field in changes}
        source = Source(kind=kind, path=str(path) if path else None, columns=columns, packages=packages, **given)
        data = Data(source=source, split=split, **changes)
        pin = PINNERS.load(kind)(source, settings)
        examples = part(task, "examples") if columns.target or kind == "pydocs" or task is not SUMMARIES else Texts(SUMMARIES)
        reporter = reporter or SilentReporter()
        return output, ingest_corpus(
            data, examples, pin, output, settings, reporter, learned, given=CleaningInputs(forgotten or Forgotten()), tests=tests
        )

    return run


@pytest.fixture
def rows() -> list[dict[str, str]]:
    """400 rows of 20 authors, every text and summary different."""
    return [
        {
            "body": f"This is the text of number {index}, written by somebody about something.",
            "summary": f"Summary of the number {index}.",
            "title": f"shop.item_{index}",
            "author": f"author {index % 20}",
        }
        for index in range(400)
    ]


@pytest.fixture
def jsonl(tmp_path: Path, rows: list[dict[str, str]]) -> Path:
    place = tmp_path / "rows.jsonl"
    place.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place


@pytest.fixture
def lenient() -> Filter:
    """A filter that lets half of the records be unreadable."""
    return Filter(max_quarantined=0.5)
