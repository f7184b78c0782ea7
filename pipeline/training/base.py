"""The protocols that training is written against: a feed of batches with their losses, a task, a score, and an optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from torch import Tensor

    from pipeline.corpus.documents import Document
    from pipeline.families.kinds import Kind
    from pipeline.metrics.base import Answer, Likelihood, Metric, Prediction
    from pipeline.models.batch import Batch
    from pipeline.models.build import HeadSpec
    from pipeline.models.files import Loaded
    from pipeline.models.text_model import TextModel
    from pipeline.recipe.training import Training
    from pipeline.tasks.base import Progress
    from pipeline.training.token_folder import TokenFolder


@dataclass(frozen=True)
class FeedInputs:
    """What a feed is built from."""

    tokens: TokenFolder
    model: TextModel
    """Decides the form of batches: its kind, and whether packing isolates documents."""
    context: int
    """Longest sequence, in tokens."""
    params: Training

    def check_context(self, needed: int, what: str) -> None:
        """Refuse sequences that the model cannot read.

        Args:
            needed: longest sequence of the task, in tokens.
            what: which limit of the recipe allows it, for the message.

        Raises:
            BadInput: the context is shorter.
        """
        if needed > self.context:
            raise BadInput(what, f"at most model.context {self.context}", "lower it, or raise model.context")


class Feed(Protocol):
    """Batches of one objective or task, and the loss on them.

    Implementations are built as ``Feed(inputs)`` and raise `BadInput` when model, params and tokens do not fit together. Batches are
    pure functions of what the feed was built from.
    """

    def batch(self, step: int) -> Batch:
        """The batch of optimizer step ``step``, counted from 0."""

    def validation(self) -> Sequence[Batch]:
        """Batches of the validation split, always the same."""

    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """The loss of each label of a batch, in nats or in the task's unit: shape [N]."""


@runtime_checkable
class Finishing(Protocol):
    """A feed of pretraining that changes the weights once more, after the last step."""

    def finish(self, weights: Mapping[str, Tensor]) -> None:
        """Change the trained weights in place.

        Args:
            weights: the fp32 weights by name.
        """


class TrainedTask(Protocol):
    """What fine-tuning asks of a task."""

    def head(self, kind: Kind, labels: tuple[str, ...]) -> HeadSpec:
        """Which head the task puts on a model of this kind.

        Args:
            kind: how the model reads and writes.
            labels: the classes of the corpus; empty for a task without classes.

        Raises:
            BadInput: a model of this kind cannot do the task.
        """

    def feed(self, inputs: FeedInputs) -> Feed:
        """The task's batches and losses.

        Raises:
            BadInput: model, params and tokens do not fit together.
        """


class AnsweringTask(TrainedTask, Protocol):
    """What a validation asks of a task beside its losses; as evaluation does, see `pipeline.tasks.base.TaskModel`."""

    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """Answer each document."""

    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Likelihood] | None:
        """How probable the model finds the target of each document; None for a task that writes no text."""


class AnswerScoring(Protocol):
    """How a task's answers are compared; evaluation's `pipeline.evaluation.scoring.Scoring`, which a task provides."""

    @property
    def reference(self) -> Callable[[Document], Answer]:
        """The expected answer of a document; None if it has none."""

    @property
    def separable(self) -> bool:
        """Whether the answer to an example is the same whatever else is asked."""

    def metric(self, name: str, field: str) -> Metric:
        """A metric of such answers.

        Args:
            name: of the metric.
            field: of the recipe that names it, for the message.

        Raises:
            BadInput: there is no such metric, or it compares other answers.
        """


class Score(Protocol):
    """What early stopping looks at in the place of the validation loss."""

    name: str
    higher_is_better: bool

    def __call__(self, model: TextModel) -> float:
        """The score of a model, the same on every rank; it leaves weights and random generators as they were."""


class Optimizer(Protocol):
    """Updates the weights. Its state is tensors only, so that a checkpoint needs no pickle."""

    def __init__(self, weights: Mapping[str, Tensor], matrices: Mapping[str, bool], params: Training, compute_dtype: torch.dtype) -> None:
        """Create the state of a new run.

        Args:
            weights: the fp32 weights to update, by name.
            matrices: the hidden matrices among them; True if it is stored as [inputs, outputs].
            params: learning rates and weight decay.
            compute_dtype: what the model computes in; arithmetic that tolerates it may use it too.
        """

    def step(self, gradients: Mapping[str, Tensor], factor: float, step: int) -> None:
        """Update the weights in place.

        Args:
            gradients: fp32 gradient of each weight, by name.
            factor: the learning-rate schedule's factor on the peak learning rates.
            step: number of this step, counted from 1.
        """

    def state(self) -> dict[str, Tensor]:
        """The live state, by name; writing into these tensors restores a checkpoint."""
