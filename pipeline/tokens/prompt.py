"""The prompt of a document: the words of its name, then its text.

Tokenization, evaluation and serving all call this, so their prompts are equal. Every registered model ships this module, so it
imports only the standard library.
"""

from __future__ import annotations

import re

CAMEL_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SEPARATOR = re.compile(r"[\W_]+")
PARTS = 2
"""Parts of a dotted name that the prompt uses, from the end: class and method, or module and function. The earlier parts are a
location rather than a description, and would fill a fifth of a source."""


def source_text(name: str, text: str) -> str:
    """``("a.b.HTTPServer.get_value", "Body.")`` → ``"http server get value: Body."``; without a name just the text.

    Args:
        name: a qualified name or a title; may be empty.
        text: the document.
    """
    words = name_words(name)
    return f"{' '.join(words)}: {text}" if words else text


def name_words(name: str) -> list[str]:
    """The words of a name in lower case, split at dots, underscores, spaces, other punctuation, and CamelCase boundaries."""
    dotted = " " not in name
    used = ".".join(name.split(".")[-PARTS:]) if dotted else name
    return [word.lower() for part in SEPARATOR.split(used) for word in CAMEL_BOUNDARY.split(part) if word]
