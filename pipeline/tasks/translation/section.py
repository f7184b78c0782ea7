"""The recipe's ``task`` section of translation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.lookup import Table
from pipeline.tasks.section import WrittenAnswer

PARTS = Table(
    "part of task translation",
    None,
    {
        "examples": "pipeline.tasks.written.examples:WrittenExamples",
        "encode": "pipeline.tasks.translation.encode:Encode",
        "model": "pipeline.tasks.written.model:WrittenModel",
        "scoring": "pipeline.tasks.translation.scoring:make_scoring",
        "serving": "pipeline.tasks.written.serving:Serving",
    },
)


class Translation(WrittenAnswer):
    """Write the target of each document, which is its text in another language.

    A model of one direction needs no language. Pretraining reads both languages.
    """

    kind: Literal["translation"]

    source_language: str | None = Field(None, min_length=1)
    """The tokenizer's token of the language of the texts, e.g. ``eng_Latn``; it is put before each text."""

    target_language: str | None = Field(None, min_length=1)
    """The tokenizer's token of the language of the answers, e.g. ``>>deu<<``; it is put before each text, after ``source_language``."""

    prefix: str = ""
    """Words before each text that say what to do, e.g. ``"translate English to German: "``; for T5 and for decoders."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS
