"""What a corpus says about test texts that were found in its source, as ingestion wrote it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FILE = "contamination.json"


def read_contamination(folder: Path) -> list[dict[str, Any]]:
    """A row for each set of test texts: ``name``, ``documents`` that were dropped, ``examples`` of them and more; empty without the file.

    Args:
        folder: of the corpus.
    """
    place = folder / FILE
    found: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8")) if place.exists() else []
    return found
