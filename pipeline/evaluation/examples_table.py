"""`examples.parquet`: every example with the output and the scores of every system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from pipeline.evaluation.results import DIGITS
from pipeline.evaluation.systems import MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.evaluation.results import SplitResult


def write_examples(results: Sequence[SplitResult], path: Path) -> None:
    """Write one row per example, splits one after another, examples in order of their ids."""
    table = pa.concat_tables([pa.table(_columns(result)) for result in results])
    parquet.write_table(table, path, compression="zstd")


def _columns(result: SplitResult) -> dict[str, list[Any]]:
    """Columns of one split; ``<system>.<metric>`` holds the per-example values that the gate pairs."""
    found = result.likelihoods[MODEL]
    columns: dict[str, list[Any]] = {
        "id": [document.id for document in result.examples],
        "split": [result.split] * len(result.examples),
        "name": [document.name for document in result.examples],
        "source": [document.text for document in result.examples],
        "reference": [document.target for document in result.examples],
        "nats": [round(value, DIGITS) for value in found.nats.tolist()],
        "tokens": [int(value) for value in found.tokens],
        "bytes": [int(value) for value in found.bytes],
    }
    for system, outputs in result.outputs.items():
        columns[f"{system}.output"] = outputs
        columns |= {f"{system}.{metric}": values for metric, values in result.scores[system].items()}
    return columns
