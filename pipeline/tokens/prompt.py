"""The text a model reads: the words of the name, then the text.

Tokenization, evaluation and serving all call this, so the three cannot drift apart. It ships with every registered model and
imports nothing but the standard library.
"""

from __future__ import annotations

import re

HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
BREAK = re.compile(r"[\W_]+")
PARTS = 2
"""Parts of a dotted name that are read, from the end: class and method, or module and function. What stands before says
where something lies rather than what it does, and would fill a fifth of a source."""


def source_text(name: str, text: str) -> str:
    """``("a.b.HTTPServer.get_value", "Body.")`` → ``"http server get value: Body."``; without a name just the text.

    Args:
        name: a qualified name or a title; may be empty.
        text: the document.
    """
    words = name_words(name)
    return f"{' '.join(words)}: {text}" if words else text


def name_words(name: str) -> list[str]:
    """The words of a name in small letters: cut at dots, underscores, blanks, other signs, and humps of CamelCase."""
    dotted = " " not in name
    read = ".".join(name.split(".")[-PARTS:]) if dotted else name
    return [word.lower() for part in BREAK.split(read) for word in HUMP.split(part) if word]
