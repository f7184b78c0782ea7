"""The part of a report that the gate reads: scores of the model and of the baselines, example by example."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MODEL = "model"
"""Name of the evaluated model among the systems of a report; the others are baselines."""


@dataclass(frozen=True)
class Scores:
    """Scores on the test split, example by example."""

    examples: str
    """Digest of the examples (id, source, reference). Two reports can be paired only if it is equal."""

    ids: tuple[str, ...]
    """Id of each example."""

    values: Mapping[str, Mapping[str, tuple[float, ...]]]
    """System (`MODEL` or a baseline) → metric → one value for each example; higher is better."""

    distinct: float
    """Share of distinct outputs of the model, 0 to 1."""


def read_scores(report: Path) -> Scores:
    """Read the scores of the ``test`` split from the folder of a report.

    Args:
        report: a folder with ``report.json`` and ``examples.parquet`` as `pipeline.evaluation` writes them.

    Raises:
        BadInput: a score is missing, NaN or infinite.
    """
    from pyarrow import compute, parquet

    split = json.loads((report / "report.json").read_bytes())["splits"]["test"]
    table = parquet.read_table(report / "examples.parquet")
    table = table.filter(compute.equal(table["split"], "test"))
    values: dict[str, dict[str, tuple[float, ...]]] = {}
    for column in table.column_names:
        system, dot, metric = column.partition(".")
        if dot and metric != "output":
            scores = tuple(table[column].to_pylist())
            if not all(score is not None and math.isfinite(score) for score in scores):
                raise BadInput(
                    f"the report has a {metric} of {system} that is missing, NaN or infinite", "", "correct the metric, then run again"
                )
            values.setdefault(system, {})[metric] = scores
    return Scores(split["examples_digest"], tuple(table["id"].to_pylist()), values, split["distinct"])
