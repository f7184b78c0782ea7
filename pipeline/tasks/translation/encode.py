"""Sources with their languages, and targets, as token ids."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import unknown_name
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tasks.written import encode as written

if TYPE_CHECKING:
    from pipeline.corpus.documents import Document
    from pipeline.tasks.translation.section import Translation
    from pipeline.tokens.text_encoder import TextEncoder


class Encode(written.Encode):
    """A source begins with the tokens of its languages, then with the words of the prefix. Both count in ``max_source_tokens``."""

    def __init__(self, task: Translation) -> None:
        """Take limits, languages and prefix of the recipe."""
        super().__init__(task)
        self._prefix, self._found = task.prefix, dict[Path, NDArray[np.int64]]()
        self._languages = {
            f"task.{field}": token for field in ("source_language", "target_language") if (token := getattr(task, field)) is not None
        }

    def source(self, document: Document) -> str:
        """What the model reads after the languages; nothing for an empty text."""
        text = super().source(document)
        return f"{self._prefix}{text}" if text else ""

    def stream_texts(self, document: Document) -> list[str]:
        """Training without labels reads both languages."""
        return self.all_texts(document)

    def first(self, encoder: TextEncoder) -> NDArray[np.int64]:
        """The tokens of the languages.

        Raises:
            BadInput: the tokenizer has no such token; the near one is suggested.
        """
        if encoder.folder not in self._found:
            self._found[encoder.folder] = self._look_up(encoder.folder)
        return self._found[encoder.folder]

    def _look_up(self, folder: Path) -> NDArray[np.int64]:
        if not self._languages:
            return np.array([], dtype=np.int64)
        known = load_content_tokenizer(folder).get_vocab()
        for field, token in self._languages.items():
            if token not in known:
                raise unknown_name(f"{field} in the tokenizer:", token, known)
        return np.array([known[token] for token in self._languages.values()], dtype=np.int64)
