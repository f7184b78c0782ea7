"""The five kinds of models. What a model can do follows from its kind, never from the name of its family."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """How a model reads and writes."""

    ENCODER = "encoder"
    """Reads a text in both directions; cannot write: BERT, ModernBERT."""

    DECODER = "decoder"
    """Writes a text from left to right: GPT-2, Llama, Qwen."""

    ENCODER_DECODER = "encoder_decoder"
    """Reads one text and writes another: T5, BART, Marian."""

    STATIC = "static"
    """Gives each token one vector, wherever it occurs: word2vec's tables of word vectors."""

    IMAGE_TO_TEXT = "image_to_text"
    """Reads an image and writes a text: a vision transformer with a decoder."""

    @property
    def reads_text(self) -> bool:
        """Whether it answers texts."""
        return self is not Kind.IMAGE_TO_TEXT

    @property
    def writes(self) -> bool:
        """Whether it can write text."""
        return self in (Kind.DECODER, Kind.ENCODER_DECODER, Kind.IMAGE_TO_TEXT)

    @property
    def phrase(self) -> str:
        """With its article, for messages: ``an encoder-decoder``."""
        if self is Kind.STATIC:
            return "static word vectors"
        if self is Kind.IMAGE_TO_TEXT:
            return "a model from images to text"
        return ("an " if self is not Kind.DECODER else "a ") + self.value.replace("_", "-")


class Head(StrEnum):
    """What is put on top of a model; each value names the class in transformers."""

    CAUSAL_LM = "AutoModelForCausalLM"
    SEQ2SEQ_LM = "AutoModelForSeq2SeqLM"
    MASKED_LM = "AutoModelForMaskedLM"
    SEQUENCE_CLASSIFICATION = "AutoModelForSequenceClassification"
    TOKEN_CLASSIFICATION = "AutoModelForTokenClassification"  # noqa: S105 - no password
    IMAGE_TO_TEXT = "AutoModelForImageTextToText"
    NONE = "AutoModel"


LANGUAGE_HEAD = {
    Kind.ENCODER: Head.MASKED_LM,
    Kind.DECODER: Head.CAUSAL_LM,
    Kind.ENCODER_DECODER: Head.SEQ2SEQ_LM,
    Kind.STATIC: Head.MASKED_LM,
    Kind.IMAGE_TO_TEXT: Head.IMAGE_TO_TEXT,
}
"""The head that predicts tokens, by kind. Static vectors predict the tokens around each token."""
