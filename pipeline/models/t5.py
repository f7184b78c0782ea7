"""The encoder-decoder family: transformers' T5 with tied embeddings, optionally with a copy head."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional
from transformers import DynamicCache, EncoderDecoderCache, T5Config, T5ForConditionalGeneration

from pipeline.models.base import IGNORED, Batch, DecodingState, PairBatch, TextModel, additive_mask, at_least_fp32, pad_to
from pipeline.models.copy_head import NO_TOKEN, CopyHead, log_attention_on_label, log_attention_on_vocabulary, mix_log_probs

if TYPE_CHECKING:
    from pipeline.models.shape import Shape, Specials


@dataclass
class _T5State(DecodingState):
    """Encoded sources, and the decoder's keys and values so far."""

    source_BS: Tensor
    encoded_BSD: Tensor
    mask_B11S: Tensor
    cache: EncoderDecoderCache = field(default_factory=lambda: EncoderDecoderCache(DynamicCache(), DynamicCache()))
    length: int = 0


class EncoderDecoder(TextModel):
    """T5 (Raffel et al. 2020): relative positions, so a source may be longer than any seen in training."""

    batch_type = PairBatch

    def __init__(self, shape: Shape, vocabulary: int, specials: Specials, dropout: float) -> None:
        super().__init__(shape, vocabulary, specials)
        config = T5Config(
            vocab_size=vocabulary,
            d_model=shape.width,
            d_kv=shape.width // shape.heads,
            d_ff=shape.feed_forward,
            num_layers=shape.layers,
            num_decoder_layers=shape.layers,
            num_heads=shape.heads,
            dropout_rate=dropout,
            pad_token_id=specials.pad,
            eos_token_id=specials.eos,
            decoder_start_token_id=specials.pad,
            attn_implementation="eager",
        )
        self.transformer = T5ForConditionalGeneration(config)
        self.copy_head = CopyHead(shape.width) if shape.copy_head else None

    @property
    def core(self) -> T5ForConditionalGeneration:
        """The transformers model inside."""
        return self.transformer

    @property
    def start_id(self) -> int:
        """T5 starts its decoder on the pad token."""
        return self.specials.pad

    def forward(self, batch: Batch) -> Tensor:
        """Negative log-likelihood of each target token, in nats: shape [N]."""
        assert isinstance(batch, PairBatch)
        encoded_BSD, mask_B11S = self._encode(batch.source_BS)
        wanted_BT = batch.target_BT != IGNORED
        safe_BT = batch.target_BT.masked_fill(~wanted_BT, self.specials.pad)
        given_BT = functional.pad(safe_BT[:, :-1], (1, 0), value=self.start_id)
        steps = given_BT.shape[1]
        causal = torch.ones(steps, steps, dtype=torch.bool, device=given_BT.device).tril()
        hidden_BTD = self.transformer.decoder(
            input_ids=given_BT,
            attention_mask=additive_mask(causal[None], encoded_BSD.dtype),
            encoder_hidden_states=encoded_BSD,
            encoder_attention_mask=mask_B11S,
            use_cache=False,
        ).last_hidden_state
        written_N = self._vocabulary_log_probs(hidden_BTD[wanted_BT]).gather(1, batch.target_BT[wanted_BT][:, None]).squeeze(1)
        if self.copy_head is None:
            return -written_N
        before_BS = functional.pad(batch.source_BS[:, :-1], (1, 0), value=NO_TOKEN)
        attention_BTS, gate_BT = self.copy_head.attend(hidden_BTD, encoded_BSD, mask_B11S[:, 0], given_BT, batch.source_BS, before_BS)
        copied_BT = log_attention_on_label(at_least_fp32(attention_BTS), batch.source_BS, safe_BT)
        return -mix_log_probs(written_N, copied_BT[wanted_BT], at_least_fp32(gate_BT[wanted_BT]))

    def start_decoding(self, sources: list[list[int]], length: int) -> DecodingState:
        """Encode the sources once."""
        source_BS = pad_to(sources, length, self.specials.pad).to(self.transformer.device)
        return _T5State(source_BS, *self._encode(source_BS))

    def next_log_probs(self, state: DecodingState, last_B: Tensor) -> Tensor:
        """Log-probabilities of the next token: shape [B, V]."""
        assert isinstance(state, _T5State)
        state.length += 1
        seen = torch.ones(len(last_B), 1, state.length, dtype=torch.bool, device=last_B.device)
        hidden_B1D = self.transformer.decoder(
            input_ids=last_B[:, None],
            attention_mask=additive_mask(seen, state.encoded_BSD.dtype),
            encoder_hidden_states=state.encoded_BSD,
            encoder_attention_mask=state.mask_B11S,
            past_key_values=state.cache,
            use_cache=True,
        ).last_hidden_state
        written_BV = self._vocabulary_log_probs(hidden_B1D[:, 0])
        if self.copy_head is None:
            return written_BV
        source_BS = state.source_BS
        before_BS = functional.pad(source_BS[:, :-1], (1, 0), value=NO_TOKEN)
        attention_B1S, gate_B1 = self.copy_head.attend(
            hidden_B1D, state.encoded_BSD, state.mask_B11S[:, 0], last_B[:, None], source_BS, before_BS
        )
        return mix_log_probs(written_BV, log_attention_on_vocabulary(attention_B1S[:, 0], source_BS, self.vocabulary), gate_B1)

    def _encode(self, source_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Encoder states [B, S, D], and the additive mask [B, 1, 1, S] that hides padding."""
        real_B1S = (source_BS != self.specials.pad)[:, None, :]
        mask_B11S = additive_mask(real_B1S, self.transformer.dtype)
        wide_B1SS = mask_B11S.expand(-1, -1, source_BS.shape[1], -1)
        return self.transformer.encoder(input_ids=source_BS, attention_mask=wide_B1SS).last_hidden_state, mask_B11S

    def _vocabulary_log_probs(self, hidden_ND: Tensor) -> Tensor:
        """Log-probabilities of the vocabulary, at least in fp32: shape [N, V]. Tied embeddings are scaled as T5 does."""
        logits_NV = functional.linear(hidden_ND * self.shape.width**-0.5, self.transformer.shared.weight)
        return functional.log_softmax(at_least_fp32(logits_NV), dim=-1)
