"""Which words of a docstring tell its package: those of the distribution's name and of its top-level modules.

A classifier that learns the package of a docstring must not read the answer in it ("Raised by numpy.linalg").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SEPARATORS = re.compile(r"[-_.]+")
SHORT = 3
"""Words of up to this many letters are replaced only between other signs: ``six`` in ``six.moves``, but not in ``sixth``."""


def package_mask(distribution: str, paths: Iterable[str]) -> str:
    """A regular expression of the words that tell a package, in any case, also inside other words (``NumpyArray``).

    Args:
        distribution: name of the distribution, e.g. ``scikit-learn``; each of its parts is a word.
        paths: its Python files, from the folder it is installed in, e.g. ``sklearn/base.py``.
    """
    modules = {path.partition("/")[0].removesuffix(".py") for path in paths}
    words = {word.lower() for name in (distribution, *modules) for word in (SEPARATORS.sub("", name), *SEPARATORS.split(name)) if word}
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return (
        "(?i:"
        + "|".join(re.escape(word) if len(word) > SHORT else rf"(?<![^\W_]){re.escape(word)}(?![^\W_])" for word in longest_first)
        + ")"
    )
