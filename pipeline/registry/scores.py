"""The part of a report that the gate reads: statistics of the model and of the baselines, example by example."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Rows: TypeAlias = Sequence[NDArray[Any]]
    """[examples, k] statistics of the model of each training seed."""

MODEL = "model"
"""Name of the evaluated model among the systems of a report; the others are baselines."""


@dataclass(frozen=True)
class Contaminated:
    """Test examples that the training text contains; see `pipeline.corpus.contamination`."""

    examples: int
    """Test examples that were looked for."""

    exact: int
    """Those whose input is that of a training document."""

    near: int
    """Further ones that are near copies."""

    example: str = ""
    """One of them: its name or id, and where it was found."""

    @property
    def count(self) -> int:
        """All that training contains."""
        return self.exact + self.near

    @property
    def share(self) -> float:
        """Their share of the examples."""
        return self.count / self.examples if self.examples else 0.0


@dataclass(frozen=True)
class Scores:
    """What was scored on the test split."""

    examples: str
    """Digest of the examples (id, source, reference). Two reports can be paired only if it is equal."""

    ids: tuple[str, ...]
    """Id of each example."""

    groups: tuple[str, ...]
    """Group of each example; an example with an empty one is a group of its own."""

    statistics: Mapping[str, Mapping[str, NDArray[Any]]]
    """System (`MODEL` or a baseline) → metric → [examples, k] rows, see `pipeline.metrics`."""

    primary: str
    """The task's primary metric."""

    beats: tuple[str, ...]
    """Baselines that the task compares a first champion with."""

    distinct: float | None
    """Share of distinct answers of the model, 0 to 1; None if the task writes no text."""

    references: tuple[str, ...] = ()
    """Expected answer of each example as the report shows it, e.g. the name of a class."""

    contamination: Contaminated | None = None
    """What the training text contains of the examples; None if the report does not say."""

    siblings: tuple[Scores, ...] = ()
    """Scores of the models of further training seeds."""

    @property
    def seeds(self) -> tuple[Scores, ...]:
        """Scores of the models of all training seeds; the first model is the one that serves."""
        return (self, *self.siblings)


def read_scores(report: Path) -> Scores:
    """Read the scores of the ``test`` split from the folder of a report.

    Args:
        report: a folder with ``report.json`` and ``examples.parquet`` as `pipeline.evaluation` writes them.

    Raises:
        BadInput: a statistic is missing, NaN or infinite.
    """
    from pyarrow import compute, parquet

    said = json.loads((report / "report.json").read_bytes())
    split, scoring = said["splits"]["test"], said["scoring"]
    table = parquet.read_table(report / "examples.parquet")
    table = table.filter(compute.equal(table["split"], "test"))
    statistics: dict[str, dict[str, NDArray[Any]]] = {}
    for column in table.column_names:
        system, dot, metric = column.partition(".")
        # a metric that applies to a system in another split only is a column of nulls here
        if dot and metric in scoring["metrics"] and table[column].null_count < max(1, table.num_rows):
            rows = _rows(table[column])
            if rows is None:
                raise BadInput(
                    f"the report has a {metric} of {system} that is missing, NaN or infinite", "", "correct the metric, then run again"
                )
            statistics.setdefault(system, {})[metric] = rows
    texts = split.get("texts")
    return Scores(
        examples=split["examples_digest"],
        ids=tuple(table["id"].to_pylist()),
        groups=tuple(table["group"].to_pylist()),
        statistics=statistics,
        primary=scoring["primary"],
        beats=tuple(scoring["beats"]),
        distinct=texts[MODEL]["distinct"] if texts else None,
        references=tuple(table["reference"].to_pylist()),
        contamination=_contaminated(said.get("contamination")),
    )


def _contaminated(said: Mapping[str, Any] | None) -> Contaminated | None:
    """The part of a report about contamination."""
    if said is None:
        return None
    shown = [f"{found['name'] or found['id']}, which is in {found['source']}" for found in said["found"][:1]]
    return Contaminated(said["examples"], said["exact"], said["near"], "".join(shown))


def _rows(column: Any) -> NDArray[Any] | None:  # noqa: ANN401 - a column of pyarrow, which has no types
    """[examples, k] of a column of lists; None if a list is missing or shorter, or holds anything but finite numbers."""
    import numpy as np
    from pyarrow import compute

    lists = column.combine_chunks()
    numbers = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    widths = np.unique(compute.list_value_length(lists).to_numpy(zero_copy_only=False))
    if len(lists) and (len(widths) != 1 or not np.isfinite(widths[0]) or not np.isfinite(numbers).all()):
        return None
    return numbers.reshape(len(lists), -1) if len(lists) else np.zeros((0, 2))
