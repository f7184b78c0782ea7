"""The signature of a tagger: tokens or a text in, a tag for each token out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipeline.corpus.documents import Document
from pipeline.tasks.columns import Column, cell_text
from pipeline.tasks.tagging.tokens import join_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.metrics.base import Prediction
    from pipeline.tasks.tagging.section import Tagging


class Serving:
    """Tokens are answered by their tags, and the probability of each tag; a text is split at white space first."""

    inputs = (Column("tokens", "strings", required=False), Column("text", required=False))
    outputs = (Column("tags", "strings"), Column("scores", "vector"))
    example: Mapping[str, Any] = {"tokens": ["Ada", "met", "Bob", "in", "Paris"]}

    def __init__(self, task: Tagging) -> None:
        """Nothing differs between taggers."""

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
        """The document of a row, its tokens cleaned as training cleaned its own; ``tokens`` goes before ``text``.

        Raises:
            BadInput: ``text`` holds something else than text.
        """
        tokens = row.get("tokens")
        if isinstance(tokens, str) or not isinstance(tokens, Iterable):
            tokens = cell_text(row, "text").split()
        return Document("", "", "", join_tokens(cleaner.tokens([str(token) for token in tokens])), None, None)

    def rows(self, predictions: Sequence[Prediction]) -> dict[str, list[Any]]:
        """The columns of the answer."""
        return {
            "tags": [prediction.answer for prediction in predictions],
            "scores": [list(prediction.numbers or ()) for prediction in predictions],
        }
