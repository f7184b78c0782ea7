"""How text becomes token ids."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.section import Section


class Tokenizer(Section):
    """Params of tokenization."""

    vocabulary: int = Field(4096, ge=300)
    """Number of token ids, special tokens included."""

    unit: Literal["words"] | None = None
    """What a token is: without one, a piece of a word, so that every text can be encoded. ``words``: a whole word in lower case, as static word vectors need; rare words are unknown."""

    min_frequency: int = Field(2, ge=1)
    """A merge is learned only if its pair occurs at least this often; with ``unit: words``, a word is known only then."""

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
