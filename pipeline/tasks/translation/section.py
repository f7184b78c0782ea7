"""The recipe's ``task`` section of translation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.families.kinds import Kind
from pipeline.lookup import Table
from pipeline.tasks.section import LanguageTokens, WrittenAnswer

if TYPE_CHECKING:
    from pipeline.recipe.data import Source

PARTS = Table(
    "part of task translation",
    None,
    {
        "examples": "pipeline.tasks.translation.examples:Examples",
        "encode": "pipeline.tasks.translation.encode:Encode",
        "model": "pipeline.tasks.translation.model:TranslationModel",
        "scoring": "pipeline.tasks.translation.scoring:make_scoring",
        "serving": "pipeline.tasks.translation.serving:Serving",
    },
)

SLOT = "{language}"
"""Where a prefix names the language of the answer."""


class Translation(WrittenAnswer):
    """Write the target of each document, which is its text in another language.

    A model of one direction needs no language. Pretraining reads both languages.
    """

    kind: Literal["translation"]

    source_language: str | None = Field(None, min_length=1)
    """The tokenizer's token of the language of the texts, e.g. ``eng_Latn``. It takes the place of the language in the tokenizer's frame, or else is put before each text."""

    target_language: str | None = Field(None, min_length=1)
    """The tokenizer's token of the language of the answers, e.g. ``deu_Latn``; with ``{language}`` in the prefix, its name there."""

    target_languages: dict[str, str] | None = Field(None, min_length=1)
    """Several languages of answers: what ``data.source.columns.pair`` says → token, or name in the prefix, e.g. ``{de: "<de>", fr: "<fr>"}``. A new tokenizer gets these tokens."""

    language_tag: Literal["source", "answer"] | None = None
    """Where the token of the answer's language is: ``answer``: each answer begins with it, as mBART, M2M100 and NLLB expect; ``source``, the default: before each text, after ``source_language``."""

    prefix: str = ""
    """Words before each text that say what to do, e.g. ``"translate English to {language}: "``; for T5 and for decoders."""

    @classmethod
    def parts(cls) -> Table:
        """The table of the task's parts."""
        return PARTS

    @property
    def language_tokens(self) -> LanguageTokens:
        """Those of the source and of all targets; none for targets that the prefix names."""
        targets = () if SLOT in self.prefix else (self.target_language, *(self.target_languages or {}).values())
        return LanguageTokens(self.source_language, tuple(dict.fromkeys(token for token in (self.source_language, *targets) if token)))

    @property
    def given_tokens(self) -> int:
        """The language of the answer, where an answer begins with it."""
        return int(self.language_tag == "answer")

    def kinds(self) -> tuple[Kind, ...]:
        """All that write; answers that begin with their language are written by an encoder-decoder."""
        return (Kind.ENCODER_DECODER,) if self.language_tag == "answer" else super().kinds()

    def problem(self, source: Source) -> tuple[str, str, str] | None:
        """Languages that contradict each other, or do not fit the records."""
        if self.target_language and self.target_languages:
            return "task has both target_language and target_languages", "one of them", "remove one"
        if SLOT in self.prefix and self.language_tag:
            return f"task.prefix names the language, and task.language_tag is {self.language_tag!r}", "one of them", "remove one"
        if (SLOT in self.prefix or self.language_tag) and not (self.target_language or self.target_languages):
            field = "task.prefix with {language}" if SLOT in self.prefix else "task.language_tag"
            return f"{field} needs a language", "", "set task.target_language or task.target_languages"
        return self._records(source)

    def _records(self, source: Source) -> tuple[str, str, str] | None:
        """Languages that do not fit the records."""
        column, targets = source.row_columns.pair, self.target_languages
        if targets and not column:
            return "task.target_languages without the language of each record", "", "set data.source.columns.pair"
        if column and not targets:
            got = f"data.source.columns.pair {column!r} holds languages, but task.target_languages is not set"
            return got, "a token or a name for each language", "set task.target_languages"
        missing = [language for language in (source.languages or ())[1:] if targets and language not in targets]
        if missing:
            return f"task.target_languages lacks {', '.join(missing)}", "every language of data.source.languages after the first", "add it"
        return None
