"""How text becomes token ids."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.section import Section


class Tokenizer(Section):
    """Params of tokenization."""

    vocabulary: int = Field(4096, ge=300)
    """Number of token ids, special tokens included."""

    kind: Literal["bpe", "wordpiece", "unigram", "words"] = "bpe"
    """``bpe``: byte-level BPE, as GPT-2; ``unigram``: the most probable pieces, as SentencePiece; with both, every text can be encoded and is given back. ``wordpiece``: as BERT; blanks are forgotten and rare letters unknown. ``words``: whole words in lower case, as static word vectors need; rare ones are unknown."""

    lowercase: bool | None = None
    """With ``kind: wordpiece``: read text in lower case. None: case stays."""

    min_frequency: int = Field(2, ge=1)
    """Two neighbours become one token only if they occur at least this often; so does a piece of ``unigram``, and a word of ``words``."""

    given: str | None = None
    """A tokenizer to use instead of training one: path of a ``tokenizer.json``, absolute or from the checkout."""

    given_sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """Sha256 of the given file: its content is its identity, whatever its path. A run with another file is refused."""

    sample_mb: int | None = Field(None, ge=1)
    """Megabytes of training texts that a tokenizer is trained on, about: a share of the documents, chosen by a digest of their content. None: 512."""

    sentinels: int = Field(100, ge=0)
    """Number of ``<extra_id_n>`` tokens that span corruption needs."""

    words: tuple[str, ...] | None = None
    """With given weights: words of the domain that become single tokens of the base's tokenizer. Each begins as the mean of its pieces."""

    @property
    def forgets_blanks(self) -> bool:
        """Whether decoded ids do not tell where a text had blanks and line ends."""
        return self.kind in {"wordpiece", "words"}
