"""`examples.parquet`: every example with the answer and the statistics of every system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.evaluation.results import SplitResult
    from pipeline.evaluation.scoring import Scoring


def write_examples(results: Sequence[SplitResult], scoring: Scoring, path: Path) -> None:
    """Write one row per example, splits one after another, examples in order of their ids."""
    table = pa.concat_tables([pa.table(_columns(result, scoring)) for result in results], promote_options="default")
    parquet.write_table(table, path, compression="zstd")


def _columns(result: SplitResult, scoring: Scoring) -> dict[str, Any]:
    """Columns of one split; ``<system>.<metric>`` holds the lists of statistics that the gate sums."""
    documents = result.examples.documents
    columns: dict[str, Any] = {
        "id": [document.id for document in documents],
        "split": [result.split] * len(documents),
        "group": [document.group for document in documents],
        "name": [document.name for document in documents],
        "source": [document.text for document in documents],
        "pair": pa.array([document.pair for document in documents], type=pa.string()),
        "reference": [scoring.show(reference) for reference in result.examples.references],
    }
    for system, said in result.predictions.items():
        if scoring.answers != "none":
            columns[f"{system}.output"] = [scoring.show(prediction.answer) for prediction in said]
        if scoring.answers == "label" and all(prediction.scores is not None for prediction in said):
            columns[f"{system}.probability"] = [(prediction.scores or {}).get(str(prediction.answer)) for prediction in said]
        for metric, rows in result.statistics[system].items():
            columns[f"{system}.{metric}"] = pa.array(list(rows), type=pa.list_(pa.float64()))
    return columns
