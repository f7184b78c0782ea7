"""The signature of a model that translates: with several target languages, each row names its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tasks.columns import NAME, TEXT, Column
from pipeline.tasks.translation.languages import check_language
from pipeline.tasks.written import serving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.corpus.documents import Document
    from pipeline.tasks.translation.section import Translation

LANGUAGE = Column("language")


class Serving(serving.Serving):
    """A text is answered by a text in another language."""

    def __init__(self, task: Translation) -> None:
        """Take the languages of the recipe."""
        super().__init__(task)
        self._task, languages = task, task.target_languages
        self.inputs = (TEXT, NAME) if languages is None else (TEXT, LANGUAGE, NAME)
        self.example = {"text": "Open the settings."} | ({"language": next(iter(languages))} if languages else {})

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
        """The document of a row; its pair is the language of the answer, where there are several.

        Raises:
            BadInput: the row names none of the languages.
        """
        found = super().document({**row, "pair": None}, cleaner)
        if self._task.target_languages is None:
            return found
        said = row.get(LANGUAGE.name)
        return found._replace(pair=check_language(self._task, said if isinstance(said, str) else None))
