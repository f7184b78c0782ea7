"""A model folder that answers: documents in, predictions out; or rows of a request in, rows of the answer out.

Every registered model ships this module, so it may import only what `pipeline.serving.package` copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.corpus.cleaning.text_cleaner import TextCleaner
from pipeline.errors import BadInput
from pipeline.models.device import find_device, serving_dtype
from pipeline.models.files import load_model
from pipeline.tasks import TASKS
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Likelihood, Prediction
    from pipeline.models.files import Loaded
    from pipeline.models.info import ModelInfo
    from pipeline.tasks.base import Progress, TaskModel, TaskServing
    from pipeline.tasks.section import TaskSection

BATCH = 64


class Silent:
    """Progress that nobody follows."""

    def beat(self) -> None:
        """Nobody listens."""

    def report(self, done: int) -> None:
        """Nobody listens."""


class Answerer:
    """Answers with a loaded model, by the task it was trained for."""

    def __init__(self, loaded: Loaded, batch: int = BATCH) -> None:
        """Wrap a model that is already in memory.

        Args:
            loaded: model, tokenizer and info.
            batch: documents answered at once; changes speed and memory, not answers beyond rounding.

        Raises:
            BadInput: the model was not trained for a task.
        """
        task = task_of(loaded.info)
        self.loaded, self.batch = loaded, batch
        self.model: TaskModel = part(task, "model")
        self.serving: TaskServing = part(task, "serving")
        self.cleaner = TextCleaner.from_json(loaded.info.cleaning, prose=task.prose)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", precision: str = "fp32", batch: int = BATCH) -> Answerer:
        """Load the model of a folder that `pipeline.models.files.save_model` wrote.

        Args:
            folder: the model's files.
            device: ``cpu``, ``cuda`` or ``auto``.
            precision: ``fp32``, in which models are evaluated, ``bf16`` or ``auto``; see `pipeline.models.device`.
            batch: documents answered at once.

        Raises:
            BadInput: unknown device or precision, or the folder does not hold a model that was trained for a task.
        """
        found = find_device(device)
        return cls(load_model(folder, found.type, serving_dtype(precision, found)), batch)

    def predict(self, documents: Sequence[Document], progress: Progress | None = None) -> list[Prediction]:
        """Answer each document, in the order of the documents."""
        return self.model.predict(self.loaded, documents, self.batch, progress or Silent())

    def likelihoods(self, documents: Sequence[Document], progress: Progress | None = None) -> list[Likelihood] | None:
        """How probable the model finds the targets; None for a task that writes no text."""
        return self.model.likelihoods(self.loaded, documents, self.batch, progress or Silent())

    def document(self, row: Mapping[str, Any]) -> Document:
        """The document of a request's row, cleaned as training cleaned its own."""
        return self.serving.document(row, self.cleaner)

    def check_columns(self, names: Iterable[str]) -> None:
        """Refuse a request that has none of the signature's columns: MLflow lets it pass if all of them are optional.

        Raises:
            BadInput: there is none.
        """
        known = [column.name for column in self.serving.inputs]
        if not set(known).intersection(names):
            raise BadInput(f"the request has no column {' or '.join(known)}", "", "name its columns as the signature does")

    def answer(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, list[Any]]:
        """Answer the rows of a request.

        Args:
            rows: the signature's columns; what is missing or None counts as empty.

        Returns:
            The columns of the answer, as many rows.
        """
        return self.serving.rows(self.predict([self.document(row) for row in rows]))


def task_of(info: ModelInfo) -> TaskSection:
    """The section of the task that a model was trained for.

    Raises:
        BadInput: it is a base model.
    """
    if info.task is None:
        raise BadInput("a base model, which was trained for no task", "a fine-tuned model", "fine-tune it first")
    section: type[TaskSection] = TASKS.load(str(info.task["kind"]))
    return section.model_validate(info.task)
