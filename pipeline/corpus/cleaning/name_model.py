"""The model of names as ingestion and cleaning are given it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class NameModel(NamedTuple):
    """Where it is, and which one it is."""

    folder: Path
    digest: str
    """Content digest of the artifact: what it finds is part of what a cleaned chunk is."""
