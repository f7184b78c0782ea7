"""The protocols of a task's parts: what the other rooms may ask of a task. None of them asks for its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.cleaning.text_cleaner import TextCleaner
    from pipeline.corpus.documents import Document, Quarantined, Record
    from pipeline.metrics.base import Likelihood, Prediction
    from pipeline.models.files import Loaded
    from pipeline.tasks.columns import Column


class SplitKeys(NamedTuple):
    """What decides the split of a document. Documents that share a key are never on both sides of training and test."""

    decides: str
    """The key whose hash decides the split."""

    also: str | None = None
    """A second key that may not straddle: a test document that shares it with training is dropped."""

    reasons: tuple[str, str] = ("known_input", "known_input")
    """Under which names documents are counted as filtered that are dropped for the first and the second key."""

    @property
    def input(self) -> str:
        """The key of the input, by which ``data.split.by: input`` splits."""
        return self.also if self.also is not None and self.input_is_also else self.decides

    @property
    def input_is_also(self) -> bool:
        """Whether the second key is that of the input."""
        return self.also is not None and self.reasons == ("known_answer", "known_input")


class TaskExamples(Protocol):
    """What ingestion asks of a task: how a record becomes a document.

    Copies of the object, sent by pickle, make the documents in several processes; `add` and `finish` are called in one.
    """

    prose: bool
    """What ``data.filter.whitespace: auto`` goes by: the section's ``prose``."""

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean a record and check its target.

        Returns:
            The document, or several where a long text was split; why it is quarantined because its target is no answer to the task, or why it is filtered.
        """

    def split_keys(self, document: Document) -> SplitKeys:
        """What decides the split of a document, and what else may not straddle."""

    def note(self, document: Document) -> str | None:
        """What `add` must know of a document, e.g. its labels: small, because the notes of all documents are held at once; None for nothing."""

    def add(self, note: str | None, split: str) -> str | None:
        """Take note of a document that is about to be kept: a task that has classes counts them. Those of training come first.

        Args:
            note: of the document; nothing is to be done for a document without one.
            split: its split.

        Returns:
            Why the document is filtered nevertheless; always None for training.
        """

    def finish(self, folder: Path) -> Mapping[str, int]:
        """Write what training must know of all documents, e.g. the classes; return counts.

        Raises:
            BadInput: the documents do not make a corpus for this task.
        """


class Progress(Protocol):
    """How far a pass over documents is."""

    def report(self, done: int) -> None:
        """The number of documents that are done."""

    def beat(self) -> None:
        """The pass is alive."""


class TaskModel(Protocol):
    """What evaluation and serving ask of a task; what training asks is `pipeline.training.base.TrainedTask`."""

    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """Answer each document.

        Args:
            loaded: the model.
            documents: what to answer; their targets are not read.
            batch: documents answered at once; changes speed and memory, not answers beyond rounding.
            progress: gets the number of documents answered so far, and a heartbeat for each batch.
        """

    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Likelihood] | None:
        """How probable the model finds the target of each document; None for a task that writes no text."""


class TaskServing(Protocol):
    """What serving asks of a task: the signature, and the way from rows to documents and back. Light: registration has no torch."""

    inputs: Sequence[Column]
    outputs: Sequence[Column]

    example: Mapping[str, Any]
    """One row of a request."""

    def document(self, row: Mapping[str, Any], cleaner: TextCleaner) -> Document:
        """The document of a row, cleaned as training cleaned its own.

        Args:
            row: the columns of a request.
            cleaner: cleans texts by the rule of the corpus that the model learned from.
        """

    def rows(self, predictions: Sequence[Prediction]) -> Mapping[str, list[Any]]:
        """The columns of the answer."""
