"""T5 with a copy head: a family of its own, ``t5_copy``.

It is a subclass of transformers' T5 that `generate()` understands: its logits are the log-probabilities of the mixture. A folder of
this family opens with this project's code only; transformers alone refuses the unknown ``model_type`` instead of answering
without the copy head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import T5Config, T5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

from pipeline.models.batch import IGNORED
from pipeline.models.copying.copy_head import (
    NO_TOKEN,
    CopyHead,
    log_attention_on_label,
    log_attention_on_vocabulary,
    mix_log_probs,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class T5CopyConfig(T5Config):  # type: ignore[misc]
    """T5's configuration under another name."""

    model_type = "t5_copy"


class T5Copy(T5ForConditionalGeneration):  # type: ignore[misc]
    """T5 whose next token is written from the vocabulary or copied from the source."""

    config_class = T5CopyConfig

    def __init__(self, config: T5CopyConfig) -> None:
        super().__init__(config)
        self.copy_head = CopyHead(config.d_model)

    def label_losses(self, inputs: Mapping[str, Any], labels: Tensor) -> Tensor:
        """Negative log-likelihood of each label, in nats, row by row: shape [N]. Only labels meet the vocabulary.

        Args:
            inputs: ``input_ids`` [B, S], ``attention_mask`` [B, S], ``decoder_input_ids`` [B, T].
            labels: token ids [B, T], `IGNORED` where nothing is predicted.
        """
        source_BS, given_BT = inputs["input_ids"], inputs["decoder_input_ids"]
        encoded_BSD = self.encoder(input_ids=source_BS, attention_mask=inputs["attention_mask"]).last_hidden_state
        hidden_BTD = self._decode(given_BT, encoded_BSD, inputs["attention_mask"]).last_hidden_state
        wanted_BT = labels != IGNORED
        written_N = self._written(hidden_BTD[wanted_BT]).gather(1, labels[wanted_BT][:, None]).squeeze(1)
        attention_BTS, gate_BT = self._copied(hidden_BTD, encoded_BSD, inputs["attention_mask"], given_BT, source_BS)
        copied_BT = log_attention_on_label(at_least_fp32(attention_BTS), source_BS, labels.masked_fill(~wanted_BT, 0))
        return -mix_log_probs(written_N, copied_BT[wanted_BT], at_least_fp32(gate_BT[wanted_BT]))

    def generate(self, inputs: Tensor | None = None, **arguments: Any) -> Any:  # noqa: ANN401 - transformers' own types
        """Transformers' `generate`; the copy head keeps the source's ids, which the decoder is not given otherwise."""
        source = inputs if inputs is not None else arguments.pop("input_ids")
        return super().generate(source, copy_ids=source, **arguments)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        encoder_outputs: Any = None,  # noqa: ANN401 - transformers' own type
        past_key_values: Any = None,  # noqa: ANN401 - transformers' own type
        copy_ids: Tensor | None = None,
        use_cache: bool | None = None,
        **_: Any,  # noqa: ANN401 - what `generate` passes to every model
    ) -> Seq2SeqLMOutput:
        """Log-probabilities of the next token at each position, as logits: shape [B, T, V]."""
        source_BS = input_ids if copy_ids is None else copy_ids
        assert source_BS is not None
        assert decoder_input_ids is not None
        mask_BS = attention_mask if attention_mask is not None else torch.ones_like(source_BS)
        encoded = encoder_outputs or self.encoder(input_ids=source_BS, attention_mask=mask_BS)
        encoded_BSD = encoded[0]
        decoded = self._decode(decoder_input_ids, encoded_BSD, mask_BS, past_key_values=past_key_values, use_cache=use_cache)
        attention_BTS, gate_BT = self._copied(decoded.last_hidden_state, encoded_BSD, mask_BS, decoder_input_ids, source_BS)
        steps = [log_attention_on_vocabulary(attention_BTS[:, step], source_BS, self.config.vocab_size) for step in range(gate_BT.shape[1])]
        logits_BTV = mix_log_probs(self._written(decoded.last_hidden_state), torch.stack(steps, dim=1), gate_BT[:, :, None])
        return Seq2SeqLMOutput(
            logits=logits_BTV,
            past_key_values=decoded.past_key_values,
            encoder_last_hidden_state=encoded_BSD,
        )

    def _decode(self, given_BT: Tensor, encoded_BSD: Tensor, mask_BS: Tensor, **cache: Any) -> BaseModelOutput:  # noqa: ANN401
        return self.decoder(
            input_ids=given_BT, encoder_hidden_states=encoded_BSD, encoder_attention_mask=mask_BS, **{"use_cache": False, **cache}
        )

    def _written(self, hidden: Tensor) -> Tensor:
        """Log-probabilities of the vocabulary, at least in fp32: the last dimension becomes V."""
        scale = self.config.d_model**-0.5 if self.config.scale_decoder_outputs else 1.0
        return functional.log_softmax(at_least_fp32(self.lm_head(hidden * scale)), dim=-1)

    def _copied(
        self, hidden_BTD: Tensor, encoded_BSD: Tensor, mask_BS: Tensor, given_BT: Tensor, source_BS: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log attention over the source [B, T, S], and the logit of the gate [B, T]."""
        hidden_B1S = torch.zeros_like(mask_BS, dtype=encoded_BSD.dtype).masked_fill_(mask_BS == 0, torch.finfo(encoded_BSD.dtype).min)[
            :, None
        ]
        before_BS = functional.pad(source_BS[:, :-1], (1, 0), value=NO_TOKEN)
        return self.copy_head.attend(hidden_BTD, encoded_BSD, hidden_B1S, given_BT, source_BS, before_BS)


def at_least_fp32(tensor: Tensor) -> Tensor:
    """Raise half precision to fp32, where logarithms of probabilities are safe; leave double precision alone."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()
