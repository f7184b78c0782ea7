"""The processes that train one model together (data parallel): one per GPU, or one per node. torchrun starts them.

Each process has a rank. Every rank holds the whole model and computes on its shard of each batch. The gradients are all-reduced,
then every rank updates its weights with the same arithmetic on the same numbers. The training data does not depend on the world
size: each rank builds the whole batch, which is a pure function of the step, and takes every n-th row. The loss is divided by the
number of labels in the whole batch. A rank without a row, at the end of an epoch, contributes zeros.

Losses and flags travel through gloo, gradients on GPUs through NCCL. When a rank dies, the others see a closed connection and end
with exit code 75; the next attempt resumes. The collectives here have no timeout: the watchdog ends a rank that hangs.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import distributed

from pipeline.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from pipeline.models.batch import Batch

T = TypeVar("T")

NO_TIMEOUT = timedelta(days=365)
"""How long a collective may wait: rank 0 may wait for a lease or upload a large checkpoint meanwhile."""


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those that train together. With a world size of 1 it never touches `torch.distributed`."""

    rank: int = 0
    """Number of this process, from 0. Rank 0 alone keeps checkpoints, and only its reporter records anything."""
    world_size: int = 1
    """Number of processes."""
    local_world_size: int = 1
    """Number of processes on this machine; they share its cores."""

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    @property
    def is_single(self) -> bool:
        """Whether this process trains alone."""
        return self.world_size == 1

    def shard_batch(self, batch: Batch) -> Batch:
        """This rank's rows of a batch. A batch is sorted by length, so every n-th row gives shards of about equal size."""
        if self.is_single:
            return batch
        return batch.rows(slice(self.rank, None, self.world_size))

    def shard(self, values: list[T]) -> list[T]:
        """This rank's share of a list: every n-th value."""
        return values[self.rank :: self.world_size]

    def all_reduce_sum(self, *values: float) -> list[float]:
        """Sum of each value over all ranks, in double precision; every rank gets the same bits."""
        if self.is_single:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64)
        with _lost_rank_is_unavailable():
            distributed.all_reduce(total)
        return [float(value) for value in total]

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        self.all_reduce_sum(0.0)

    def any_rank(self, flag: bool) -> bool:
        """Whether the flag is set on any rank."""
        return self.all_reduce_sum(float(flag))[0] > 0

    def all_reduce_gradients(self, gradients: Mapping[str, Tensor]) -> None:
        """Replace each gradient, in place, by its sum over all ranks."""
        if self.is_single:
            return
        flat = torch.cat([gradient.flatten() for gradient in gradients.values()])
        with _lost_rank_is_unavailable():
            distributed.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in gradients.values()])
        for gradient, part in zip(gradients.values(), parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def broadcast_object(self, value: T) -> T:
        """Rank 0's value, on every rank."""
        if self.is_single:
            return value
        box = [value]
        with _lost_rank_is_unavailable():
            distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def gather_shards(self, values: list[T]) -> list[T]:
        """The list of which ``values`` is this rank's `shard`, on every rank."""
        if self.is_single:
            return values
        shards: list[list[T]] = [[] for _ in range(self.world_size)]
        with _lost_rank_is_unavailable():
            distributed.all_gather_object(shards, values)
        return [shards[index % self.world_size][index // self.world_size] for index in range(sum(map(len, shards)))]

    @torch.no_grad()
    def broadcast_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Overwrite each tensor, in place, with rank 0's."""
        if self.is_single:
            return
        for tensor in tensors.values():
            whole = tensor.contiguous()
            with _lost_rank_is_unavailable():
                distributed.broadcast(whole, src=0)
            tensor.copy_(whole)

    @torch.no_grad()
    def check_equal_weights(self, weights: Mapping[str, Tensor], step: int) -> None:
        """Check that all ranks hold the same weights.

        Raises:
            BadInput: they differ: the machines do not compute alike.
        """
        if self.is_single:
            return
        own = float(torch.stack([weight.double().sum() for weight in weights.values()]).sum())
        if self.any_rank(own != self.broadcast_object(own)):
            raise BadInput(
                f"{self.world_size} processes hold different weights after step {step}",
                "the same on each",
                "train on nodes of one kind with one image",
            )


SINGLE_PROCESS = ProcessGroup()


def init_process_group(rank: int, world_size: int, local_rank: int, local_world_size: int, device: torch.device) -> ProcessGroup:
    """Connect to the other processes; torchrun's environment variables say where.

    Args:
        rank: number of this process, from 0.
        world_size: number of processes.
        local_rank: number of this process on its machine, which is also the number of its GPU.
        local_world_size: number of processes on this machine.
        device: ``cpu``, or ``cuda`` for gradients through NCCL.

    Raises:
        Unavailable: they did not connect.
    """
    if device.type == "cuda":
        torch.cuda.set_device(local_rank)
    with _lost_rank_is_unavailable():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=NO_TIMEOUT)
    return ProcessGroup(rank, world_size, local_world_size)


@contextmanager
def _lost_rank_is_unavailable() -> Iterator[None]:
    """A collective fails with RuntimeError when another rank has died."""
    try:
        yield
    except RuntimeError as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise Unavailable(
            f"another process of this training died ({lines[0][:200]})",
            "",
            "wait: the next attempt resumes from the newest checkpoint; if it fails again, read the other processes' logs",
        ) from error
