"""What is made of a chunk follows from the code that reads its kind, whatever is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.artifacts.manifest import Parts
from pipeline.corpus.identity_of_kinds import identity_of_kinds
from pipeline.recipe import Data, Split
from pipeline.tasks.language_model.section import LanguageModel

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = {"chunk": "c1", "source": {"kind": "csv"}}
SHORTENED = {**TABLE, "without": "d1"}


def parts(data: Data) -> Parts:
    return Parts(component="ingestion", version=1, params={}, inputs={}, modules={data.single_source.kind: "m"}, libraries={})


@pytest.mark.parametrize(
    "made",
    [
        lambda chunk: chunk,
        lambda chunk: {"shards": [chunk, chunk], "decided": "x"},
        lambda chunk: {"found": chunk, "index": "x"},
        lambda chunk: {"units": chunk, "kinds": [True, False]},
    ],
    ids=["chunk", "shards", "found", "units"],
)
@pytest.mark.parametrize("chunk", [TABLE, SHORTENED], ids=["whole", "shortened"])
def test_it_is_that_of_the_kind_of_its_source(chunk: dict[str, Any], made: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    sources = {"notes": {"kind": "text", "path": "a"}, "rows": {"kind": "csv", "path": "b"}}
    data = Data.model_validate({"sources": sources, "split": Split(salt="s")})
    identity = identity_of_kinds(data, LanguageModel(kind="language_model"), parts)
    assert identity(made(chunk))["modules"] == {"csv": "m"}
