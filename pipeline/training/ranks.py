"""The processes that train one model together: one for each GPU, or one for each node. torchrun starts them.

Every rank holds the whole model and computes on its share of the rows of every batch; the gradients are summed over all ranks, and
then each moves its weights by the same arithmetic on the same numbers. What a step trains on does not depend on how many there are:
each rank builds the whole batch, which is a pure function of the step, and takes every n-th row of it; the loss is divided by the
number of labels in the whole batch. A rank without a row, at the end of an epoch, adds zeros.

Numbers of the loop (losses, the wish to stop) travel through gloo, gradients on GPUs through NCCL. A rank that dies ends the others:
whoever waits for it hears that its connection is gone, and the next attempt resumes. One that only hangs is found by the watchdogs,
not here, so nothing here has a time limit of its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import distributed

from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from pipeline.models.base import Batch

T = TypeVar("T")

UNLIMITED = timedelta(days=365)
"""How long ranks wait for each other: the first one may wait for a lease, or send a large checkpoint."""


@dataclass(frozen=True)
class Ranks:
    """Which of the processes this one is. Alone it never touches `torch.distributed`."""

    number: int = 0
    """Counted from 0; the first one speaks for all: it alone keeps checkpoints, and its reporter is heard."""
    size: int = 1
    """How many there are."""
    beside: int = 1
    """How many of them share this machine's cores."""

    @property
    def first(self) -> bool:
        """Whether this one speaks for all."""
        return self.number == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other."""
        return self.size == 1

    def rows(self, batch: Batch) -> Batch:
        """This rank's rows of a batch; as equal in length as possible, because a batch is sorted by it."""
        if self.alone:
            return batch
        return type(batch)(*(getattr(batch, part.name)[self.number :: self.size] for part in fields(batch)))

    def share(self, values: list[T]) -> list[T]:
        """This rank's part of what all ranks do together."""
        return values[self.number :: self.size]

    def sums(self, *values: float) -> list[float]:
        """Each value's sum over all ranks, in double precision; every rank gets the same bits."""
        if self.alone:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64)
        with _together():
            distributed.all_reduce(total)
        return [float(value) for value in total]

    def meet(self) -> None:
        """Wait until all ranks are here."""
        self.sums(0.0)

    def any(self, wish: bool) -> bool:
        """Whether any rank wishes it."""
        return self.sums(float(wish))[0] > 0

    def add(self, gradients: Mapping[str, Tensor]) -> None:
        """Replace every gradient by its sum over all ranks."""
        if self.alone:
            return
        flat = torch.cat([gradient.flatten() for gradient in gradients.values()])
        with _together():
            distributed.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in gradients.values()])
        for gradient, part in zip(gradients.values(), parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def same(self, value: T) -> T:
        """The first rank's value, for all."""
        if self.alone:
            return value
        box = [value]
        with _together():
            distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    @torch.no_grad()
    def spread(self, tensors: Mapping[str, Tensor]) -> None:
        """Overwrite every tensor by the first rank's."""
        if self.alone:
            return
        for tensor in tensors.values():
            whole = tensor.contiguous()
            with _together():
                distributed.broadcast(whole, src=0)
            tensor.copy_(whole)

    @torch.no_grad()
    def compare(self, weights: Mapping[str, Tensor], step: int) -> None:
        """See whether all ranks hold the same weights.

        Raises:
            BadInput: they drifted apart: their machines do not compute alike.
        """
        if self.alone:
            return
        own = float(torch.stack([weight.double().sum() for weight in weights.values()]).sum())
        if self.any(own != self.same(own)):
            raise BadInput(
                f"{self.size} processes hold different weights after step {step}",
                "the same on each",
                "train on nodes of one kind with one image",
            )


ALONE = Ranks()


def join(number: int, size: int, local: int, beside: int, device: torch.device) -> Ranks:
    """Meet the other processes; where they meet stands in the variables that torchrun sets.

    Args:
        number: of this process, from 0.
        size: how many there are.
        local: number of this process on its machine: which GPU is its own.
        beside: how many share the machine.
        device: ``cpu``, or ``cuda`` for gradients through NCCL.

    Raises:
        Unavailable: they did not meet.
    """
    if device.type == "cuda":
        torch.cuda.set_device(local)
    with _together():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=UNLIMITED)
    return Ranks(number, size, beside)


@contextmanager
def _together() -> Iterator[None]:
    """What breaks while ranks talk means that one of them is gone."""
    try:
        yield
    except RuntimeError as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise Unavailable(
            f"another process of this training is gone ({lines[0][:200]})",
            "all of them",
            "nothing: the next attempt goes on from the newest checkpoint; if it happens again, see the other processes' logs",
        ) from error
