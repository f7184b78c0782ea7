"""The page of each recipe's tokenizer, from the report beside its newest tokens."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.pages.newest import newest_of_recipes
from pipeline.pages.tokenizer_template import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest

READ = 100
"""Newest tokens that are looked at."""

STAGE, FILE = "tokenization", "report.json"
"""The stage that makes tokens, and the report beside them (`pipeline.tokens.report`)."""

PREVIOUS = "previous_tokenizer"
"""How the metrics begin that compare the tokenizer with the champion's."""


class Compared(NamedTuple):
    """How the champion's tokenizer does on the texts of a row."""

    bytes_per_token: float
    split_words: float | None
    tokens: float
    """Tokens of the new one for each token of the champion's."""

    low: float | None
    high: float | None
    """The interval of ``tokens``, where it is known."""


def tokenizer_page_name(recipe: str) -> str:
    """Name of the page of a recipe's tokenizer."""
    return f"tokenizer-{recipe}.html"


def tokens_of(artifacts: Artifacts, corpus: str) -> Manifest | None:
    """The newest tokens of a corpus that have a report; None if there are none.

    Args:
        artifacts: the artifacts of the store.
        corpus: digest of the corpus.
    """
    return next(
        (found for found in artifacts.newest(STAGE, READ) if found.parts.inputs.get("corpus") == corpus and has_report(found)), None
    )


def has_report(tokens: Manifest) -> bool:
    """Whether there is a report beside some tokens; those of an older version have none."""
    return any(file.path == FILE for file in tokens.files)


def read_report(artifacts: Artifacts, tokens: Manifest, scratch: Path) -> dict[str, Any]:
    """The report beside some tokens.

    Args:
        artifacts: the artifacts of the store.
        tokens: their manifest.
        scratch: an existing folder for files meanwhile.

    Raises:
        Damaged: the report is damaged.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        found: dict[str, Any] = json.loads((artifacts.open(tokens, Path(folder), (FILE,)) / FILE).read_bytes())
    return found


def compared(metrics: Mapping[str, float], key: str) -> Compared | None:
    """How the champion's tokenizer does on the texts of a row; None if nothing was compared.

    Args:
        metrics: of the manifest.
        key: of the row.
    """
    names = ("bytes_per_token", "split_words", "tokens", "tokens_low", "tokens_high")
    found = [metrics.get(f"{PREVIOUS}/{key}/{name}") for name in names]
    each, split, tokens, low, high = found
    return Compared(each, split, tokens, low, high) if each is not None and tokens is not None else None


def tokenizer_page(name: str, tokens: Manifest, report: Mapping[str, Any]) -> str:
    """The page of a tokenizer; the same report and manifest give the same bytes.

    Args:
        name: what people call it.
        tokens: manifest of the tokens.
        report: what `read_report` gave.
    """
    others = {row["key"]: compared(tokens.metrics, row["key"]) for row in report["rows"]}
    return render(name, tokens, report, others, tokens.metrics.get(f"{PREVIOUS}/same"))


def newest_tokenizer_pages(artifacts: Artifacts, scratch: Path) -> dict[str, str]:
    """The page of the newest tokens of each recipe.

    Args:
        artifacts: the artifacts of the store.
        scratch: an existing folder for files meanwhile.

    Raises:
        Damaged: a report is damaged.
    """
    newest = newest_of_recipes(artifacts, STAGE, has_report)
    return {recipe: tokenizer_page(recipe, tokens, read_report(artifacts, tokens, scratch)) for recipe, tokens in newest.items()}
