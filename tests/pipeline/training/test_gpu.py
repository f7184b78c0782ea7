"""What differs on a GPU: the device and precision that are chosen, and answers that equal those of the CPU. Skipped without a GPU.

If the machine has a GPU, the tests of resuming run on it too, see `test_resume.DEVICE`.
"""

from __future__ import annotations

import pytest
import torch
from fixtures.families import CONFIGS, tiny_info, tiny_vocabulary

from pipeline.models.attention import isolates_documents
from pipeline.models.batch import Batch
from pipeline.models.files import untrained
from pipeline.training.device import choose_compute_setup

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

VOCABULARY = 60
TOLERANCE = 1e-4
"""Difference of fp32 logits that comes from the order of sums."""


def test_auto_takes_the_gpu_and_bf16_only_where_the_hardware_has_it() -> None:
    setup = choose_compute_setup("auto", None, "auto", 64)
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    assert (setup.device, setup.kernel, setup.precision) == ("cuda", "sdpa", "bf16" if native else "fp32")


@pytest.mark.parametrize("family", CONFIGS)
def test_logits_equal_those_of_the_cpu(family: str) -> None:
    model = untrained(tiny_info(family, tiny_vocabulary(VOCABULARY))).eval()
    ids = torch.arange(7, 19)[None]
    inputs = {"input_ids": ids, **({"decoder_input_ids": ids} if family in {"t5", "t5_copy", "bart", "marian"} else {})}
    batch = Batch(inputs, labels=ids)
    with torch.inference_mode():
        expected = model(batch).logits
        found = model.to("cuda")(batch.to(torch.device("cuda"))).logits.cpu()
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize("family", ["bert", "modernbert", "gpt2", "llama", "qwen3"])
def test_packed_documents_stay_apart_with_fused_attention(family: str) -> None:
    model = untrained(tiny_info(family, tiny_vocabulary(VOCABULARY))).to("cuda")
    model.set_attention_kernel("sdpa")
    assert isolates_documents(model, VOCABULARY)
