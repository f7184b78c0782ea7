"""What cleaning did to the records of a source: counts, and a few excerpts. Reports of parts of a source add up to that of the whole."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FILE = "cleaning_examples.json"
EXAMPLES = 5
"""Excerpts that are kept for each block, and for each reason to filter: the first ones."""

BEFORE, EXCERPT = 40, 160
"""Characters of an excerpt before the first change, and in all."""


class CleaningReport:
    """Counts and excerpts, in the order of the records."""

    def __init__(self) -> None:
        """Start empty."""
        self.counts: Counter[str] = Counter()
        self.changed: dict[str, list[dict[str, str]]] = {}
        """Block → ``before`` and ``after``."""
        self.filtered: dict[str, list[dict[str, str]]] = {}
        """Reason → ``text``."""

    def wants(self, kind: str) -> bool:
        """Whether an example of what a block changed is still missing."""
        return len(self.changed.get(kind, ())) < EXAMPLES

    def add_change(self, kind: str, before: str, after: str) -> None:
        """Keep an example of what a block changed; texts must hold nothing that an output must not."""
        if self.wants(kind):
            start = max(_first_difference(before, after) - BEFORE, 0)
            row = {"before": before[start : start + EXCERPT], "after": after[start : start + EXCERPT]}
            self.changed.setdefault(kind, []).append(row)

    def add_filtered(self, reason: str, text: str) -> None:
        """Keep the beginning of a text that is filtered; it must hold nothing that an output must not."""
        rows = self.filtered.setdefault(reason, [])
        if len(rows) < EXAMPLES:
            rows.append({"text": text[:EXCERPT]})

    def wants_filtered(self, reason: str) -> bool:
        """Whether an example of what is filtered for a reason is still missing."""
        return len(self.filtered.get(reason, ())) < EXAMPLES

    def merge(self, later: CleaningReport) -> None:
        """Add the report of the records that follow."""
        self.counts.update(later.counts)
        for mine, theirs in ((self.changed, later.changed), (self.filtered, later.filtered)):
            for name, rows in theirs.items():
                held = mine.setdefault(name, [])
                held += rows[: EXAMPLES - len(held)]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"counts": dict(sorted(self.counts.items())), "changed": self.changed, "filtered": self.filtered}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CleaningReport:
        """Read back what `to_json` gave."""
        found = cls()
        found.counts.update(data["counts"])
        found.changed, found.filtered = data["changed"], data["filtered"]
        return found

    def write(self, folder: Path) -> None:
        """Write the excerpts as `FILE`."""
        rows = {"changed": self.changed, "filtered": self.filtered}
        (folder / FILE).write_text(json.dumps(rows, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _first_difference(before: str, after: str) -> int:
    """Place of the first character that differs."""
    low, high = 0, min(len(before), len(after))
    while low < high:
        middle = (low + high + 1) // 2
        if before.startswith(after[:middle]):
            low = middle
        else:
            high = middle - 1
    return low
