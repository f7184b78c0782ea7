"""Quarantine: unreadable records are stored with a reason instead of failing the run, up to an allowed share.

`quarantine.jsonl` holds one object per line, in the order of reading.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.documents import Quarantined

FILE = "quarantine.jsonl"
MAX_EXCERPT_CHARS = 200
MAX_RECORDS = 10_000
"""Records that are stored; more are only counted."""
CAUSES = 3
"""Reasons that a message names."""
FEW = 0.1
"""Share of unreadable records up to which they may be damage that can be left out. A larger one has a cause that has to be removed."""
FIXES = {"not UTF-8": "set data.source.encoding, e.g. cp1252", "no field": "correct data.source.columns"}
"""What to do about a reason that begins so."""


class Quarantine:
    """Collects records that could not be read."""

    def __init__(self) -> None:
        """Start empty."""
        self.reasons: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        """Reason → where it was found first."""
        self.lines: list[str] = []

    def __len__(self) -> int:
        """Number of records."""
        return self.reasons.total()

    def add(self, found: Quarantined) -> None:
        """Add one record."""
        self.first.setdefault(found.reason, found.where)
        self.reasons[found.reason] += 1
        if len(self.lines) < MAX_RECORDS:
            row = {"reason": found.reason, "where": found.where, "excerpt": found.excerpt[:MAX_EXCERPT_CHARS]}
            self.lines.append(json.dumps(row, ensure_ascii=True, sort_keys=True) + "\n")

    def take(self, other: Quarantine, source: str = "") -> None:
        """Add the records of another one, which come after these.

        Args:
            other: the other one.
            source: name of the source that they are from, where there are several.
        """
        self.reasons.update(other.reasons)
        self.first = other.first | self.first
        lines = other.lines[: MAX_RECORDS - len(self.lines)]
        self.lines += [_of_source(line, source) for line in lines] if source else lines

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {"reasons": self.reasons, "first": self.first, "lines": self.lines}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Quarantine:
        """What `to_json` gave."""
        quarantine = cls()
        quarantine.reasons.update(found["reasons"])
        quarantine.first.update(found["first"])
        quarantine.lines += found["lines"]
        return quarantine

    def check_share(self, read: int, allowed: float) -> None:
        """Refuse a source with too many unreadable records.

        Args:
            read: records read, these included.
            allowed: largest share that may be unreadable.

        Raises:
            BadInput: the share is larger; names the most frequent reasons, each with its first record.
        """
        if len(self) <= allowed * read:
            return
        causes = self.reasons.most_common(CAUSES)
        named = ", ".join(f"{times} times {reason} (first at {self.first[reason]})" for reason, times in causes)
        others = len(self) - sum(times for _, times in causes)
        fix = next((fix for beginning, fix in FIXES.items() if causes[0][0].startswith(beginning)), "correct the source")
        if len(self) <= FEW * read:
            fix += f", or raise data.filter.max_quarantined to {math.ceil(1000 * len(self) / read) / 1000} to leave them out"
        raise BadInput(
            f"{len(self)} of {read} records could not be read: {named}{f', {others} times other reasons' if others else ''}",
            f"at most {allowed:.1%}",
            fix,
        )

    def write(self, folder: Path) -> None:
        """Write `quarantine.jsonl`."""
        (folder / FILE).write_text("".join(self.lines), encoding="utf-8")


def _of_source(line: str, source: str) -> str:
    """A line of the file with the name of a source."""
    return json.dumps({**json.loads(line), "source": source}, ensure_ascii=True, sort_keys=True) + "\n"
