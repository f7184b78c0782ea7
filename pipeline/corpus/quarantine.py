"""What could not be read is put aside with a reason, so that one broken line does not cost the run; too many do.

`quarantine.jsonl` holds one object a line, in the order of reading.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.documents import Quarantined

FILE = "quarantine.jsonl"
EXCERPT = 200
"""Longest excerpt that is kept, in characters."""
KEPT = 10_000
"""Most records that are written down; counts go on."""


class Quarantine:
    """Collects what could not be read."""

    def __init__(self) -> None:
        """Begin empty."""
        self.reasons: Counter[str] = Counter()
        self.lines: list[str] = []
        self.first: Quarantined | None = None

    def __len__(self) -> int:
        """Number of records put aside."""
        return self.reasons.total()

    def add(self, found: Quarantined) -> None:
        """Put one record aside."""
        self.first = self.first or found
        self.reasons[found.reason] += 1
        if len(self.lines) < KEPT:
            row = {"reason": found.reason, "where": found.where, "excerpt": found.excerpt[:EXCERPT]}
            self.lines.append(json.dumps(row, ensure_ascii=True, sort_keys=True) + "\n")

    def check(self, read: int, allowed: float) -> None:
        """Refuse a source of which too much is unreadable.

        Args:
            read: records read, these included.
            allowed: largest share that may be unreadable.

        Raises:
            BadInput: the share is larger; names the most frequent reason and the first record.
        """
        if self.first and len(self) > allowed * read:
            reason, times = self.reasons.most_common(1)[0]
            raise BadInput(
                f"{len(self)} of {read} records could not be read ({times} times: {reason}; the first at {self.first.where}: {self.first.reason})",
                f"at most {allowed:.1%}",
                "correct the source, or raise data.filter.max_quarantined",
            )

    def write(self, folder: Path) -> None:
        """Write `quarantine.jsonl`."""
        (folder / FILE).write_text("".join(self.lines), encoding="utf-8")
