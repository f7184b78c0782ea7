"""The compute setup of a training: device, CPU threads, attention kernel and precision."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch.utils import deterministic

from pipeline.models.device import choose_precision, find_device

FUSED_FROM_POSITIONS = 512
"""Positions from which fused attention pays on a CPU: at 96 explicit attention takes 0.10 s a step and fused 0.11 s, at 256
tokens in bf16 20 ms against 37 ms."""


@dataclass(frozen=True)
class ComputeSetup:
    """What a run computes on. It is chosen at the first start and stored in checkpoints, because each field changes the last bits.

    The kernel follows from a rule, not from a timing: two runs from scratch must end with the same weights, and a timing on a busy
    machine may go either way.
    """

    device: str
    threads: int
    kernel: str
    precision: str

    def apply(self) -> torch.device:
        """Set threads and determinism for this process."""
        torch.set_num_threads(self.threads)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with a fixed workspace
        torch.use_deterministic_algorithms(True)
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # it writes every new tensor twice, for nothing
        return torch.device(self.device)


def choose_compute_setup(device: str, threads: int | None, precision: str, positions: int, local_world_size: int = 1) -> ComputeSetup:
    """The compute setup of a run that is not resumed.

    Args:
        device: ``cpu``, ``cuda`` or ``auto``.
        threads: CPU threads; None takes all cores the process may use.
        precision: ``fp32``, ``bf16`` or ``auto``.
        positions: longest sequence, in tokens.
        local_world_size: processes of the training on this machine.

    Raises:
        BadInput: the device is unknown or not available.
    """
    found = find_device(device)
    return ComputeSetup(
        found.type, choose_threads(threads, local_world_size), choose_kernel(found, positions), choose_precision(precision, found)
    )


def choose_kernel(device: torch.device, positions: int) -> str:
    """``eager`` for short sequences on a CPU, ``sdpa`` otherwise."""
    return "eager" if device.type == "cpu" and positions < FUSED_FROM_POSITIONS else "sdpa"


def choose_threads(asked: int | None, local_world_size: int = 1) -> int:
    """The asked number, or all cores the process may use divided by the number of training processes on this machine."""
    return asked or max(1, len(os.sched_getaffinity(0)) // local_world_size)
