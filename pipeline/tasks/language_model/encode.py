"""Texts as token ids, for pretraining alone: there are no examples to fine-tune on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.tasks.language_model.section import LanguageModel
    from pipeline.tokens.text_encoder import TextEncoder


class Encode:
    """Every text of the corpus; no field of examples."""

    fields: Mapping[str, str] = {}

    def __init__(self, task: LanguageModel) -> None:
        """Nothing differs between language models."""

    def stream_texts(self, document: Document) -> list[str]:
        """The text, without its name: the model learns how probable texts are, not what they are called."""
        return [document.text]

    def all_texts(self, document: Document) -> list[str]:
        """The same."""
        return self.stream_texts(document)

    def encode(
        self,
        documents: Sequence[Document],  # noqa: ARG002 - an ExampleEncoder's signature
        encoder: TextEncoder,  # noqa: ARG002
        counts: Counter[str],  # noqa: ARG002
        split: str,  # noqa: ARG002
    ) -> Iterator[Mapping[str, NDArray[Any]]]:
        """No examples."""
        return iter(())
