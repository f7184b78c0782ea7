"""What a search left out, and why: counted by reason, with the first example of each.

Files that people did not mean as data are not read: what editors, notebooks and Spark write beside it, copies of macOS, files of
another format. A count says so, because a file that is missing from a corpus without a word is an error that nobody finds.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.artifacts.manifest import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

WORKING, OTHER, EMPTY, BROKEN_LINK, READ_ALREADY, UNSAFE, NO_MARK = (
    "working",
    "other_format",
    "empty",
    "broken_link",
    "read_already",
    "unsafe",
    "no_mark",
)
REASONS = {
    WORKING: "hidden, temporary and working files",
    OTHER: "files of other formats",
    EMPTY: "empty files",
    BROKEN_LINK: "broken links",
    READ_ALREADY: "linked folders that are read already",
    UNSAFE: "keys with ..",
    NO_MARK: "rows without a high-water mark",
}
"""Each reason in words."""

SIGNS = frozenset("._~#")
"""Names of working files begin with one of these."""

KEPT = {"_locales"}
"""Names that look like those of working files and hold data: the catalogues of browser extensions."""


class LeftOut(Frozen):
    """What was left out for one reason."""

    reason: str
    """A key of `REASONS`."""

    count: int
    """Files; a link to a folder counts as one."""

    example: str
    """The first of them, below the folder that was searched."""


class LeftOutCounter:
    """Counts what a search leaves out."""

    def __init__(self) -> None:
        """Start at zero."""
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, reason: str, name: str) -> None:
        """Count one file.

        Args:
            reason: a key of `REASONS`.
            name: the file, as a message shows it.
        """
        self._counts[reason] += 1
        self._examples.setdefault(reason, name)

    def total(self) -> tuple[LeftOut, ...]:
        """All counts, in the order of `REASONS`."""
        return tuple(
            LeftOut(reason=reason, count=self._counts[reason], example=self._examples[reason]) for reason in REASONS if self._counts[reason]
        )


def added_up(found: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """The counts of several searches together."""
    counts: dict[str, LeftOut] = {}
    for one in found:
        known = counts.get(one.reason)
        counts[one.reason] = known.model_copy(update={"count": known.count + one.count}) if known else one
    return tuple(counts[reason] for reason in REASONS if reason in counts)


def is_working(name: str, asked: frozenset[str] = frozenset()) -> bool:
    """Whether a file or folder holds no data by its name: ``.git``, ``._train.jsonl``, ``_temporary``, ``_SUCCESS``, ``~$a.csv``, ``a.csv~``.

    Args:
        name: its name without folders.
        asked: signs at the beginning of a name that are asked for, so that they do not count.
    """
    signed = name[:1] in SIGNS - asked and name not in KEPT
    return signed or name.endswith("~")


def sentence(left_out: Iterable[LeftOut], where: str) -> str:
    """What was left out, in one line for a person; empty if nothing was."""
    parts = [f"{REASONS[found.reason]}: {found.count} ({found.example})" for found in left_out]
    return f"{where}: not read: {'; '.join(parts)}" if parts else ""
