"""The recipe's ``task`` section of tagging."""

from __future__ import annotations

from typing import Literal

from pipeline.lookup import Table
from pipeline.tasks.section import Labels, OneSequence

PARTS = Table(
    "part of task tagging",
    None,
    {
        "examples": "pipeline.tasks.tagging.examples:Examples",
        "encode": "pipeline.tasks.tagging.encode:Encode",
        "model": "pipeline.tasks.tagging.model:Tagger",
        "scoring": "pipeline.tasks.tagging.scoring:make_scoring",
        "serving": "pipeline.tasks.tagging.serving:Serving",
    },
)


class Tagging(OneSequence):
    """Give each token of a text its tag; the text is a list of tokens and the target a list of as many tags."""

    kind: Literal["tagging"]

    labels: Labels | None = None
    """The tags, in the order of their ids. None: the tags of the train split, sorted."""

    spans: bool = True
    """Whether the tags are spans in IOB2 (``B-X``, ``I-X``, ``O``), scored by span F1; otherwise each token counts alone."""

    @property
    def loses_lines(self) -> bool:
        """Each token has its tag."""
        return False

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS
