"""Where a run computes, with how many threads and which attention kernel, and that it always does so in the same order."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch.utils import deterministic

from pipeline.errors import BadInput

LONG = 512
"""Positions from which fused attention pays on a CPU: at 96 explicit attention takes 0.10 s a step and fused 0.11 s, at 256
tokens in bf16 20 ms against 37 ms."""


@dataclass(frozen=True)
class ComputeSetup:
    """What was chosen at first start; a resumed run uses it again, because each of the three moves the last bits.

    The kernel follows from a rule, not from a timing: two runs from scratch must end with the same weights, and a timing
    on a busy machine may go either way.
    """

    device: str
    threads: int
    kernel: str
    precision: str

    def prepare(self) -> torch.device:
        """Set threads and determinism for the process."""
        torch.set_num_threads(self.threads)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with a fixed workspace
        torch.use_deterministic_algorithms(True)
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # it only costs time: every new tensor is written twice
        return torch.device(self.device)


def find_device(asked: str) -> torch.device:
    """``cpu``, ``cuda``, or ``auto``: CUDA where there is one.

    Raises:
        BadInput: CUDA was asked for and is not there, or the device is unknown.
    """
    if asked not in {"auto", "cpu", "cuda"}:
        raise BadInput(f"device {asked!r}", "cpu, cuda or auto", "correct TRAINSHED_DEVICE")
    if asked == "cuda" and not torch.cuda.is_available():
        raise BadInput("device cuda, but torch finds none", "a GPU and a CUDA build of torch", "set TRAINSHED_DEVICE=cpu or auto")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


def choose_kernel(device: torch.device, positions: int) -> str:
    """``eager`` for short sequences on a CPU, ``sdpa`` otherwise."""
    return "eager" if device.type == "cpu" and positions < LONG else "sdpa"


def choose_threads(asked: int | None, beside: int = 1) -> int:
    """The asked number, or all cores the process may use, divided among the processes that train beside each other."""
    return asked or max(1, len(os.sched_getaffinity(0)) // beside)
