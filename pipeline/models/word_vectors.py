"""Static word vectors: a table with one vector for each token. A family of its own, ``word_vectors``.

`WordVectors` looks tokens up. `SkipGram` is the same with a second table, of the words around a word, which only pretraining needs
(Mikolov et al. 2013, arXiv 1310.4546). The table is the tensor ``embedding.weight`` of `WordVectors`: its row i is the vector of the token
with id i, so safetensors and tokenizers alone can read it.

Legend beyond `pipeline.models.batch`: D numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - transformers evaluates the annotations of a model class
from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from pipeline.families.kinds import Head, Kind


@strict
class WordVectorsConfig(PretrainedConfig):  # type: ignore[misc]
    """Size of the table."""

    model_type = "word_vectors"

    vocab_size: int = 20_000
    hidden_size: int = 128
    dropout: float = 0.0
    pad_token_id: int | None = 0
    tie_word_embeddings: bool = False


class _Table(PreTrainedModel):  # type: ignore[misc]
    """What both classes share."""

    config_class = WordVectorsConfig
    base_model_prefix = "words"
    kind = Kind.STATIC
    classes: ClassVar[Mapping[Head, type[PreTrainedModel]]] = {}
    _supports_sdpa = True  # there is no attention, so any kernel will do

    def _init_weights(self, module: nn.Module) -> None:
        """Small random vectors, as in word2vec: a token that is never trained hardly moves a mean."""
        if isinstance(module, nn.Embedding):
            bound = 0.5 / self.config.hidden_size
            nn.init.uniform_(module.weight, -bound, bound)


class WordVectors(_Table):
    """The vector of each token."""

    _keys_to_ignore_on_load_unexpected: ClassVar[list[str]] = ["around.weight"]

    def __init__(self, config: WordVectorsConfig) -> None:
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The table."""
        return self.embedding

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        """Replace the table."""
        self.embedding = value

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> BaseModelOutput:  # noqa: ANN401, ARG002 - what every model is given
        """The vectors of tokens, whatever is around them: [B, L, D]."""
        return BaseModelOutput(last_hidden_state=self.dropout(self.embedding(input_ids)))


class SkipGram(_Table):
    """Word vectors, and those of the words around it, which pretraining predicts by them."""

    def __init__(self, config: WordVectorsConfig) -> None:
        super().__init__(config)
        self.words = WordVectors(config)
        self.around = nn.Embedding(config.vocab_size, config.hidden_size)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The table of the words."""
        return self.words.embedding

    def get_output_embeddings(self) -> nn.Module:
        """The table of the words around."""
        return self.around

    def forward(self, input_ids: Tensor, **others: Any) -> BaseModelOutput:  # noqa: ANN401 - what every model is given
        """The vectors of tokens: [B, L, D]."""
        return self.words(input_ids, **others)


WordVectors.classes = SkipGram.classes = {Head.NONE: WordVectors, Head.MASKED_LM: SkipGram}
