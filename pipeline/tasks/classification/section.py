"""The recipe's ``task`` section of classification."""

from __future__ import annotations

from typing import Literal

from pipeline.families.kinds import Kind
from pipeline.lookup import Table
from pipeline.tasks.section import Labels, OneSequence

PARTS = Table(
    "part of task classification",
    None,
    {
        "examples": "pipeline.tasks.classification.examples:Examples",
        "encode": "pipeline.tasks.classification.encode:Encode",
        "model": "pipeline.tasks.classification.model:Classifier",
        "scoring": "pipeline.tasks.classification.scoring:make_scoring",
        "serving": "pipeline.tasks.classification.serving:Serving",
    },
)


class Classification(OneSequence):
    """Give each document its label; with ``data.source.columns.pair`` the input is two texts."""

    kind: Literal["classification"]

    answer: Literal["label", "labels", "number"] = "label"
    """``label``: exactly one of the classes; ``labels``: any number of them; ``number``: regression."""

    labels: Labels | None = None
    """The classes, in the order of their ids. None: the labels of the train split, sorted."""

    pooling: Literal["mean", "first"] = "mean"
    """What an encoder classifies from: the mean of all states, or the first one (``[CLS]``)."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS

    def kinds(self) -> tuple[Kind, ...]:
        """All of them."""
        return tuple(kind for kind in Kind if kind.reads_text)

    @property
    def divisible(self) -> bool:
        """A label counts for each part of a text."""
        return True
