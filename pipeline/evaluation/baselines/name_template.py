"""Name template: "Return the" and the words of the name. Hard to beat for code, whose names are chosen to be descriptive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.tokens.prompt import name_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document


def name_template(train: Sequence[Document], examples: Sequence[Document]) -> list[str]:  # noqa: ARG001 - a Baseline's signature
    """Put the words of the last part of the dotted name after "Return the"; a document without a name gets just that."""
    return [" ".join(["Return the", *name_words(document.name.rpartition(".")[2])]) + "." for document in examples]
