"""The protocols of a task's parts: what the other rooms may ask of a task. None of them asks for its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.documents import Document, Quarantined, Record
    from pipeline.recipe.data import Filter


class SplitKeys(NamedTuple):
    """What decides the split of a document. Documents that share a key are never on both sides of training and test."""

    decides: str
    """The key whose hash decides the split."""

    also: str | None = None
    """A second key that may not straddle: a test document that shares it with training is dropped."""

    reasons: tuple[str, str] = ("known_input", "known_input")
    """Under which names documents are counted as filtered that are dropped for the first and the second key."""


class TaskExamples(Protocol):
    """What ingestion asks of a task: how a record becomes a document."""

    def document(self, record: Record, rules: Filter) -> Document | Quarantined | str:
        """Clean a record and check its target.

        Returns:
            The document, why it is quarantined because its target is no answer to the task, or why it is filtered.
        """

    def split_keys(self, document: Document) -> SplitKeys:
        """What decides the split of a document, and what else may not straddle."""

    def add(self, document: Document, split: str) -> str | None:
        """Take note of a document that is about to be kept: a task that has classes counts them. Those of training come first.

        Returns:
            Why the document is filtered nevertheless; always None for training.
        """

    def finish(self, folder: Path) -> Mapping[str, int]:
        """Write what training must know of all documents, e.g. the classes; return counts.

        Raises:
            BadInput: the documents do not make a corpus for this task.
        """
