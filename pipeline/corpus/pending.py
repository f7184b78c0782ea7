"""Documents that wait for the end of ingestion, in a temporary file beside the corpus: memory stays flat."""

from __future__ import annotations

import json
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from pipeline.corpus.documents import Document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class PendingDocuments:
    """Documents with their split, given back in the order in which they came; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Open the file; the system deletes it when it is closed, even by SIGKILL.

        Args:
            folder: a folder on a disk with room for a tenth of the corpus.
        """
        self._file = TemporaryFile("w+", encoding="utf-8", dir=folder)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> PendingDocuments:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, split: str, document: Document) -> None:
        """Append one document."""
        self._file.write(json.dumps([split, *document]) + "\n")

    def take(self) -> Iterator[tuple[str, Document]]:
        """All documents."""
        self._file.seek(0)
        for line in self._file:
            split, *fields = json.loads(line)
            yield split, Document(*fields)
