"""The recipe's ``task`` section of captioning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.families.kinds import Kind
from pipeline.lookup import Table
from pipeline.tasks.section import Generation, TaskSection

PARTS = Table(
    "part of task captioning",
    None,
    {
        "examples": "pipeline.tasks.captioning.examples:Examples",
        "encode": "pipeline.tasks.captioning.encode:Encode",
        "model": "pipeline.tasks.captioning.model:CaptioningModel",
        "scoring": "pipeline.tasks.captioning.scoring:make_scoring",
        "serving": "pipeline.tasks.captioning.serving:Serving",
    },
)


class Captioning(TaskSection):
    """Say in words what an image shows. ``data.source.columns.text`` holds the caption, and ``columns.image`` the image."""

    kind: Literal["captioning"]

    image_size: int = Field(224, ge=16, le=512)
    """Pixels of each side of an image: the centre of each is cut out as a square and resized."""

    max_target_tokens: int = Field(32, ge=4)
    """Longest caption, in tokens, its end token included; the rest is cut."""

    generation: Generation = Generation()
    """How captions are written."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS

    @property
    def reads_images(self) -> bool:
        """Nothing else is read."""
        return True

    @property
    def needs_target(self) -> bool:
        """The caption is the text."""
        return False

    @property
    def loses_lines(self) -> bool:
        """A caption has one line."""
        return False

    def kinds(self) -> tuple[Kind, ...]:
        """Those that read images."""
        return (Kind.IMAGE_TO_TEXT,)

    def longest(self, kind: Kind) -> int:  # noqa: ARG002 - there is one
        """The caption: patches of the image are no tokens."""
        return self.max_target_tokens
