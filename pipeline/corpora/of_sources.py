"""What each of several sources gave to a corpus, from the counts of its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "source_"
"""How the names of these counts begin."""

FIGURES = ("read", "documents", "characters", "duplicate", "filtered", "quarantined", "split_parts")
"""What is counted of each source, as ``source_<figure>_<name>``: ``documents`` and ``characters`` are those that are kept."""


class OfSource(NamedTuple):
    """One source."""

    name: str
    read: int
    """Records."""

    documents: int
    """Documents that are kept, in all splits."""

    characters: int
    """Of these."""

    duplicate: int
    filtered: int
    quarantined: int
    split_parts: int
    """Documents beyond the first of each record that was split."""

    share: float
    """Share of the corpus's characters."""

    @property
    def adds_up(self) -> bool:
        """Whether every record is counted once."""
        return self.read + self.split_parts == self.documents + self.duplicate + self.filtered + self.quarantined


def count_name(figure: str, source: str) -> str:
    """The name of a count.

    Args:
        figure: one of `FIGURES`.
        source: name of the source.
    """
    return f"{PREFIX}{figure}_{source}"


def of_sources(counts: Mapping[str, int]) -> list[OfSource]:
    """What each source gave, in the order of their names; empty for a corpus of one source.

    Args:
        counts: counts of its manifest.
    """
    first = count_name(FIGURES[0], "")
    names = sorted(name.removeprefix(first) for name in counts if name.startswith(first))
    characters = sum(counts.get(count_name("characters", name), 0) for name in names)
    found = []
    for name in names:
        figures = {figure: counts.get(count_name(figure, name), 0) for figure in FIGURES}
        found.append(OfSource(name=name, **figures, share=figures["characters"] / characters if characters else 0.0))
    return found
