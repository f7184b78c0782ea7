"""What feeds of a task's examples share: the examples of a split, and batches of those that are of similar length."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import BadInput
from pipeline.training.length_batches import LengthBatches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.training.base import FeedInputs
    from pipeline.training.token_folder import TokenFolder

Columns = dict[str, list["NDArray[Any]"]]
"""Field of an example → its elements, one array for each chosen example."""


class Examples:
    """The examples of one split, as tokenization wrote them.

    Attributes:
        lengths: of each example: the sum of its fields that hold token ids. Shape [examples].
    """

    def __init__(self, tokens: TokenFolder, split: str, fields: Mapping[str, str], missing: str) -> None:
        """Open the fields.

        Args:
            tokens: what tokenization wrote.
            split: ``train`` or ``validation``.
            fields: the task's `pipeline.tokens.text_encoder.ExampleEncoder.fields`.
            missing: what the message says if there is no example.

        Raises:
            BadInput: there is no example.
        """
        self._streams = {name: tokens.field(split, name, kind) for name, kind in fields.items()}
        self._texts = [self._streams[name] for name, kind in fields.items() if not kind]
        self.lengths: NDArray[np.int64] = np.sum([np.diff(np.asarray(stream.offsets)) for stream in self._texts], axis=0)
        if not len(self.lengths):
            raise BadInput(
                f"no document of the {split} split {missing}", "", "check data.source.columns and the filter, or bring more data"
            )

    def take(self, chosen: Sequence[int] | NDArray[np.int64]) -> Columns:
        """The fields of some examples."""
        return {name: [stream[int(index)] for index in chosen] for name, stream in self._streams.items()}

    def content(self, index: int) -> bytes:
        """The token ids of an example as bytes."""
        return b"".join(stream[index].tobytes() for stream in self._texts)


class ExampleFeed(ABC):
    """A feed whose batches are examples of similar length. A task adds how they become tensors, and the loss."""

    validated = 1000
    """Examples of the validation split that a validation uses."""

    def __init__(self, inputs: FeedInputs, fields: Mapping[str, str], missing: str) -> None:
        """Open the examples.

        Args:
            inputs: tokens, model, params.
            fields: see `Examples`.
            missing: see `Examples`.

        Raises:
            BadInput: a split has no example.
        """
        self.model, self.vocabulary = inputs.model, inputs.tokens.vocabulary
        self._train, self._validation = (Examples(inputs.tokens, split, fields, missing) for split in ("train", "validation"))
        self._order = LengthBatches(inputs.params, self._train, self._validation, self.validated)

    def batch(self, step: int) -> Batch:
        """Examples of similar length."""
        return self.collate(self._train.take(self._order.train(step)))

    def validation(self) -> list[Batch]:
        """A sample of the validation split, by length."""
        return [self.collate(self._validation.take(chosen)) for chosen in self._order.validation()]

    @abstractmethod
    def collate(self, columns: Columns) -> Batch:
        """The batch of some examples."""

    @abstractmethod
    def losses(self, model: TextModel, batch: Batch) -> Tensor:
        """The loss of each label of a batch: shape [N]."""
