"""Why records and files are missing from a corpus, in words, from the counts of its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.sources.left_out import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WORDS = {
    "too_short": "too short",
    "too_long": "too long",
    "few_letters": "too few letters",
    "known_input": "input is in training",
    "known_answer": "answer is in training",
    "known_image": "image is in training",
    "no_row": "images that no row names",
    "near_copy": "near copies of training",
    "in_test_source": "equal to a text of the test set",
    "near_test_source": "near a text of the test set",
    "only_repeated": "nothing but repeated lines",
    "contaminated": "contain test texts",
    "unknown_class": "class is not in training",
    "untranslated": "not translated",
    "fuzzy": "marked as a guess",
    "other_placeholders": "other placeholders in the translation",
    "quality": "unlike the reference text",
    "forgotten": "forgotten on request",
    "over_cap": "above the cap of their source",
}
"""Reasons of the filter in words; others are shown as they are counted."""


class LeftOutReason(NamedTuple):
    """One reason."""

    name: str
    """The count's name."""

    words: str
    records: int


def reasons(counts: Mapping[str, int]) -> Iterator[LeftOutReason]:
    """Every reason why something is not in the corpus, records first, the most frequent first.

    Args:
        counts: counts of the manifest of a corpus.
    """
    records = {name: counts.get(name, 0) for name in ("duplicate", "quarantined")}
    records |= {name: value for name, value in counts.items() if name.startswith("filtered_")}
    for name, value in sorted(records.items(), key=lambda pair: (-pair[1], pair[0])):
        if value:
            plain = name.removeprefix("filtered_")
            said = {"duplicate": "duplicates", "quarantined": "unreadable records"}.get(name)
            yield LeftOutReason(name, said or f"filtered: {WORDS.get(plain, plain.replace('_', ' '))}", value)
    for name, value in counts.items():
        if name.startswith("left_out_") and value:
            plain = name.removeprefix("left_out_")
            yield LeftOutReason(name, f"files not read: {REASONS.get(plain, plain)}", value)
