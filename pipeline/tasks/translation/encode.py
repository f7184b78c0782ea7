"""Sources with their languages, and targets, as token ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tasks.translation.languages import target_language
from pipeline.tasks.translation.section import SLOT
from pipeline.tasks.written import encode as written
from pipeline.tokens.languages import find_language, language_ids

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.documents import Document
    from pipeline.tasks.translation.section import Translation
    from pipeline.tokens.text_encoder import TextEncoder


class Encode(written.Encode):
    """A source begins with the tokens of its languages, then with the words of the prefix. Both count in ``max_source_tokens``.

    With ``language_tag: answer`` the token of the answer's language begins the answer instead, and counts in ``max_target_tokens``.
    """

    def __init__(self, task: Translation) -> None:
        """Take limits, languages and prefix of the recipe."""
        super().__init__(task)
        self._languages = task
        self._known: dict[Path, dict[str, int]] = {}

    def source(self, document: Document) -> str:
        """What the model reads after the languages; nothing for an empty text."""
        text, task = super().source(document), self._languages
        prefix = task.prefix.replace(SLOT, target_language(task, document) or "") if SLOT in task.prefix else task.prefix
        return f"{prefix}{text}" if text else ""

    def stream_texts(self, document: Document) -> list[str]:
        """Training without labels reads both languages."""
        return self.all_texts(document)

    def first(self, document: Document, encoder: TextEncoder) -> list[int]:
        """The tokens of the languages, apart from those that the tokenizer's frame or the answer holds.

        Raises:
            BadInput: the tokenizer has no such token; the near one is suggested.
        """
        task, frame = self._languages, encoder.vocabulary.frame
        source = self._look_up(encoder, "task.source_language", task.source_language)
        framed = [number for number in source if number not in (*frame.prefix, *frame.suffix)]
        return framed if task.given_tokens or SLOT in task.prefix else [*framed, *self._target(document, encoder)]

    def begin(self, document: Document, encoder: TextEncoder) -> list[int]:
        """The token of the answer's language, if an answer begins with it.

        Raises:
            BadInput: the tokenizer has no such token; the near one is suggested.
        """
        return self._target(document, encoder) if self._languages.given_tokens else []

    def _target(self, document: Document, encoder: TextEncoder) -> list[int]:
        field = "task.target_language" if self._languages.target_languages is None else "task.target_languages"
        return self._look_up(encoder, field, target_language(self._languages, document))

    def _look_up(self, encoder: TextEncoder, field: str, token: str | None) -> list[int]:
        """The id of a language, in a list; nothing where the recipe names none."""
        if token is None:
            return []
        if encoder.folder not in self._known:
            self._known[encoder.folder] = language_ids(load_content_tokenizer(encoder.folder), encoder.vocabulary)
        return [find_language(self._known[encoder.folder], token, field)]
