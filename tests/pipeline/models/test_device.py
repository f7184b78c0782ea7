"""Device and precision: what is asked for is what is used, and another word is one clear error."""

from __future__ import annotations

import pytest
import torch

from pipeline.errors import BadInput
from pipeline.models import device
from pipeline.models.device import choose_precision, find_device, serving_dtype

CPU = torch.device("cpu")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(BadInput, match="device 'tpu'; expected cpu, cuda or auto; fix: correct TRAINSHED_DEVICE"):
        find_device("tpu")


@pytest.mark.parametrize("asked", ["", "fp16", "float32", "BF16", "bf16 "])
def test_an_unknown_precision_is_refused(asked) -> None:
    with pytest.raises(BadInput, match=r"serving precision '.*'; expected fp32, bf16 or auto; fix: correct TRAINSHED_SERVING_PRECISION"):
        serving_dtype(asked, CPU)


@pytest.mark.parametrize("native", [True, False])
def test_bf16_is_emulated_only_if_it_is_asked_for_by_name(native, monkeypatch, caplog) -> None:
    monkeypatch.setattr(device, "has_bf16", lambda _: native)
    assert serving_dtype("auto", CPU) == (torch.bfloat16 if native else torch.float32)
    assert choose_precision("auto", CPU) == ("bf16" if native else "fp32")
    assert serving_dtype("fp32", CPU) == torch.float32
    assert "emulates" not in caplog.text
    assert serving_dtype("bf16", CPU) == torch.bfloat16
    assert ("emulates" in caplog.text) is not native
