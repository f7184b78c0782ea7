"""The language of one answer: the same for all documents, or named by each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import unknown_name

if TYPE_CHECKING:
    from pipeline.corpus.documents import Document
    from pipeline.tasks.translation.section import Translation


def target_language(task: Translation, document: Document) -> str | None:
    """The token or the name of the language that a document is translated into; None where the recipe names none.

    Raises:
        BadInput: the recipe has several languages, and the document names none of them.
    """
    return task.target_language if task.target_languages is None else task.target_languages[check_language(task, document.pair)]


def check_language(task: Translation, language: str | None) -> str:
    """A language that is among several.

    Raises:
        BadInput: it is missing or another one; the near one is suggested.
    """
    known = task.target_languages or {}
    if language is None or language not in known:
        raise unknown_name("target language", language or "", known)
    return language
