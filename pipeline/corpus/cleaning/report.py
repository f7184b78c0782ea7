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
        self.borderline: list[dict[str, Any]] = []
        """Texts near the limit of a filter that scores: ``margin`` and ``text``."""

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

    def wants_borderline(self, margin: float) -> bool:
        """Whether a text is nearer to the limit than those that are kept on its side of it."""
        near = [row for row in self.borderline if (row["margin"] < 0) == (margin < 0)]
        return len(near) < EXAMPLES or abs(margin) < max(abs(row["margin"]) for row in near)

    def add_borderline(self, margin: float, text: str) -> None:
        """Keep the beginning of a text near the limit; it must hold nothing that an output must not."""
        self.borderline = _nearest([*self.borderline, {"margin": round(margin, 4), "text": text[:EXCERPT]}])

    def merge(self, later: CleaningReport) -> None:
        """Add the report of the records that follow."""
        self.counts.update(later.counts)
        self.borderline = _nearest([*self.borderline, *later.borderline])
        for mine, theirs in ((self.changed, later.changed), (self.filtered, later.filtered)):
            for name, rows in theirs.items():
                held = mine.setdefault(name, [])
                held += rows[: EXAMPLES - len(held)]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        near = {"borderline": self.borderline} if self.borderline else {}
        return {"counts": dict(sorted(self.counts.items())), "changed": self.changed, "filtered": self.filtered, **near}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CleaningReport:
        """Read back what `to_json` gave."""
        found = cls()
        found.counts.update(data["counts"])
        found.changed, found.filtered = data["changed"], data["filtered"]
        found.borderline = data.get("borderline", [])
        return found

    def write(self, folder: Path) -> None:
        """Write the excerpts as `FILE`."""
        rows = {"changed": self.changed, "filtered": self.filtered, **({"borderline": self.borderline} if self.borderline else {})}
        (folder / FILE).write_text(json.dumps(rows, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _nearest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The texts nearest to the limit on both sides, by their margin."""
    sides = ([row for row in rows if row["margin"] >= 0], [row for row in rows if row["margin"] < 0])
    nearest = [row for side in sides for row in sorted(side, key=lambda row: (abs(row["margin"]), row["text"]))[:EXAMPLES]]
    return sorted(nearest, key=lambda row: (-row["margin"], row["text"]))


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
