"""The recipe's ``task`` section of summarization."""

from __future__ import annotations

from typing import Literal

from pipeline.lookup import Table
from pipeline.tasks.section import WrittenAnswer

PARTS = Table(
    "part of task summarization",
    None,
    {
        "examples": "pipeline.tasks.written.examples:WrittenExamples",
        "encode": "pipeline.tasks.written.encode:Encode",
        "model": "pipeline.tasks.written.model:WrittenModel",
        "scoring": "pipeline.tasks.summarization.scoring:make_scoring",
        "serving": "pipeline.tasks.written.serving:Serving",
    },
)


class Summarization(WrittenAnswer):
    """Write the target of each document, given its text."""

    kind: Literal["summarization"]

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS
