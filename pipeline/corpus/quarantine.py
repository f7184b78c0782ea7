"""Quarantine: unreadable records are stored with a reason instead of failing the run, up to an allowed share.

`quarantine.jsonl` holds one object per line, in the order of reading.
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
MAX_EXCERPT_CHARS = 200
MAX_RECORDS = 10_000
"""Records that are stored; more are only counted."""


class Quarantine:
    """Collects records that could not be read."""

    def __init__(self) -> None:
        """Start empty."""
        self.reasons: Counter[str] = Counter()
        self.lines: list[str] = []
        self.first: Quarantined | None = None

    def __len__(self) -> int:
        """Number of records."""
        return self.reasons.total()

    def add(self, found: Quarantined) -> None:
        """Add one record."""
        self.first = self.first or found
        self.reasons[found.reason] += 1
        if len(self.lines) < MAX_RECORDS:
            row = {"reason": found.reason, "where": found.where, "excerpt": found.excerpt[:MAX_EXCERPT_CHARS]}
            self.lines.append(json.dumps(row, ensure_ascii=True, sort_keys=True) + "\n")

    def check_share(self, read: int, allowed: float) -> None:
        """Refuse a source with too many unreadable records.

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
