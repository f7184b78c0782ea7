"""One model as training, evaluation and serving hold it: transformers' own model, and a head of ours where transformers has none."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from pipeline.families.kinds import Kind
from pipeline.models.attention import packed_mask

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from pipeline.models.batch import Batch

log = logging.getLogger(__name__)

HEAD = "head."
"""Prefix of the names of our head's weights."""


class TextModel(nn.Module):
    """A model of any family.

    Attributes:
        core: the transformers model.
        kind: how it reads and writes.
        head: put on the mean of the core's states; None where the core has its own head.
    """

    def __init__(self, core: PreTrainedModel, kind: Kind, head: nn.Module | None = None) -> None:
        super().__init__()
        self.core, self.kind, self.head = core, kind, head

    def forward(self, batch: Batch) -> Any:  # noqa: ANN401 - transformers' output of that model
        """Run the core on a batch; see transformers for the fields of its output."""
        return self.core(**self.inputs(batch))

    def inputs(self, batch: Batch) -> dict[str, Any]:
        """The arguments of the core's ``forward``: those of the batch, and the mask of packed rows."""
        inputs: dict[str, Any] = dict(batch.inputs)
        if batch.document is not None:
            inputs["attention_mask"] = packed_mask(batch.document, self.core.dtype, causal=self.kind is Kind.DECODER)
        if self.kind.writes:
            inputs["use_cache"] = False
        return inputs

    def named_weights(self) -> dict[str, Tensor]:
        """Every parameter by its name on disk, sorted by name; tied ones once, frozen ones too."""
        weights = dict(self.core.named_parameters())
        if self.head is not None:
            weights |= {HEAD + name: weight for name, weight in self.head.named_parameters()}
        return dict(sorted(weights.items()))

    def set_attention_kernel(self, kernel: str) -> None:
        """Choose the attention kernel: ``eager`` or ``sdpa``; a family without the second keeps the first.

        Results differ in the last bits only.
        """
        if kernel == "sdpa" and not self.core._supports_sdpa:  # noqa: SLF001 - the only mark of a family without it
            log.info("%s has no fused attention: it uses eager", type(self.core).__name__)
            return
        self.core.set_attn_implementation(kernel)
