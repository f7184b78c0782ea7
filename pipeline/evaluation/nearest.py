"""Nearest neighbours: a part of the report that a task may add, as data for `report.json` and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.choose_examples import Examples
    from pipeline.evaluation.pass_progress import PassProgress
    from pipeline.evaluation.results import SplitResult
    from pipeline.models.files import Loaded


class Near(NamedTuple):
    """One neighbour."""

    text: str
    cosine: float


class Nearest(NamedTuple):
    """One table of neighbours."""

    title: str

    caption: str
    """What was compared with what."""

    rows: Sequence[tuple[str, Sequence[Near]]]
    """Word or text → its neighbours, the nearest first."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = [{"text": text, "near": [near._asdict() for near in found]} for text, found in self.rows]
        return {"title": self.title, "caption": self.caption, "rows": rows}


class FindNearest(Protocol):
    """How a task finds neighbours."""

    def __call__(self, loaded: Loaded, known: Examples, results: Sequence[SplitResult], progress: PassProgress) -> list[Nearest]:
        """Find the neighbours to show.

        Args:
            loaded: the evaluated model.
            known: the training documents that baselines learn from.
            results: the scored splits.
            progress: gets a heartbeat for each batch.

        Returns:
            Tables, the same for the same arguments.
        """
