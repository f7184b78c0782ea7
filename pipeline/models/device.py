"""The device and the precision that tensors are computed in; the same rules for training, evaluation and serving."""

from __future__ import annotations

import logging

import torch

from pipeline.errors import BadInput

log = logging.getLogger(__name__)

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def find_device(asked: str) -> torch.device:
    """``cpu``, ``cuda``, or ``auto``: CUDA if torch finds a GPU, else the CPU.

    Raises:
        BadInput: CUDA was asked for and torch finds no GPU, or the device is unknown.
    """
    if asked not in {"auto", "cpu", "cuda"}:
        raise BadInput(f"device {asked!r}", "cpu, cuda or auto", "correct TRAINSHED_DEVICE")
    if asked == "cuda" and not torch.cuda.is_available():
        raise BadInput("device cuda, but torch finds no GPU", "a GPU and a CUDA build of torch", "set TRAINSHED_DEVICE=cpu or auto")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")


def choose_precision(asked: str, device: torch.device) -> str:
    """``fp32`` or ``bf16``; ``auto`` takes bf16 where the hardware multiplies in it, and fp32 elsewhere.

    On a CPU with AVX-512 BF16 a step of a 128-wide model takes 0.6 of its time in fp32; one without emulates it.
    """
    if asked != "auto":
        return asked
    return "bf16" if has_bf16(device) else "fp32"


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bf16; otherwise torch emulates it, many times slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - no public name yet


def serving_dtype(asked: str, device: torch.device) -> torch.dtype:
    """What a served model computes in.

    Args:
        asked: ``fp32``; ``bf16``, also where the hardware has to emulate it; ``auto``, which never emulates.
        device: where it computes.

    Raises:
        BadInput: another value.
    """
    if asked not in {*PRECISIONS, "auto"}:
        raise BadInput(f"serving precision {asked!r}", "fp32, bf16 or auto", "correct TRAINSHED_SERVING_PRECISION")
    if asked == "bf16" and not has_bf16(device):
        log.warning("this %s emulates bf16, which is slower than fp32; TRAINSHED_SERVING_PRECISION=auto would take fp32", device.type)
    return PRECISIONS[choose_precision(asked, device)]
