"""Name template: "Return the" and the words of the name. Hard to beat for code, where names are chosen to say it all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


def name_template(train: Sequence[Document], examples: Sequence[Document]) -> list[str]:  # noqa: ARG001 - a Baseline's signature
    """Put the words of the last part of the dotted name after "Return the"; a document without a name gets just that."""
    return [" ".join(["Return the", *_words(document.name)]) + "." for document in examples]


def _words(name: str) -> list[str]:
    """``pkg.HTTPServer.get_value`` → ``get``, ``value``."""
    return [word.lower() for word in WORD.findall(name.rpartition(".")[2])]
