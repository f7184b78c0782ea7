"""What the limits of each rule about a corpus are about: the value, and how a person reads it.

The value is not a number where there is nothing to compare with.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline.corpora.facts import LANGUAGE, languages_of
from pipeline.corpora.of_sources import of_sources
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.corpora.rules import Looked
    from pipeline.recipe.data_checks import DataRule


def documents(_: DataRule, looked: Looked) -> tuple[float, str]:
    """Number of documents."""
    return looked.facts.documents, f"{looked.facts.documents:,}"


def mean_length(_: DataRule, looked: Looked) -> tuple[float, str]:
    """Characters of a text, on average."""
    mean = looked.facts.lengths.mean
    return mean, f"{mean:,.1f} characters"


def size(_: DataRule, looked: Looked) -> tuple[float, str]:
    """Bytes of all texts."""
    return looked.facts.bytes, f"{looked.facts.bytes:,}"


def required(rule: DataRule, looked: Looked) -> tuple[float, str]:
    """Share of documents in which a field is not empty."""
    found, documents = looked.facts.filled[rule.of or ""], looked.facts.documents
    return _share(found, documents)


def count_share(rule: DataRule, looked: Looked) -> tuple[float, str]:
    """A count of the manifest among the records read; a reason of the filter that never occurred is not counted, and is zero."""
    return _share(looked.counts.get(rule.of or "", 0), looked.counts.get("read", 0))


def language(rule: DataRule, looked: Looked) -> tuple[float, str]:
    """Share of documents in a language.

    Raises:
        BadInput: the corpus counts no languages.
    """
    found = languages_of(looked.counts)
    if not found:
        raise BadInput(
            f"data.checks: language of {rule.of}: this corpus counts no languages",
            f"counts {LANGUAGE}…",
            "let cleaning identify languages, or remove the rule",
        )
    return _share(found.get(rule.of or "", 0), sum(found.values()))


def source(rule: DataRule, looked: Looked) -> tuple[float, str]:
    """The share of a source in the characters of the corpus.

    Raises:
        BadInput: the corpus has no such source.
    """
    sources = of_sources(looked.counts)
    found = next((one for one in sources if one.name == rule.of), None)
    if found is None:
        raise BadInput(
            f"data.checks: source {rule.of} is none of this corpus",
            f"one of: {', '.join(one.name for one in sources)}" if sources else "a recipe with data.sources",
            "correct the rule",
        )
    return _share(found.characters, sum(one.characters for one in sources))


def class_documents(_: DataRule, looked: Looked) -> tuple[float, str]:
    """Training documents of the rarest class."""
    name, count = min(_classes(looked).items(), key=lambda pair: (pair[1], pair[0]))
    return count, f"{count:,} ({name})"


def class_share(_: DataRule, looked: Looked) -> tuple[float, str]:
    """Share of the most frequent class in training."""
    classes = _classes(looked)
    name, count = max(classes.items(), key=lambda pair: (pair[1], pair[0]))
    share, shown = _share(count, sum(classes.values()))
    return share, f"{shown} ({name})"


def _classes(looked: Looked) -> Mapping[str, int]:
    """Documents of each class in training."""
    found = looked.facts.splits["train"].classes if "train" in looked.facts.splits else {}
    if not found:
        raise BadInput("data.checks: this corpus has no classes", "a task with classes", "remove the rules about classes")
    return found


def change(rule: DataRule, looked: Looked) -> tuple[float, str]:
    """How much the number of documents differs from another corpus, as a share of that corpus."""
    other = looked.compared.get(rule.of or "")
    before = other[1].get("kept", 0) if other else 0
    if not before:
        return math.nan, ""
    return looked.facts.documents / before - 1, f"{100 * (looked.facts.documents / before - 1):+.1f} %"


def _share(part: int, whole: int) -> tuple[float, str]:
    share = part / whole if whole else 0.0
    return share, f"{100 * share:.4g} % ({part:,} of {whole:,})"
