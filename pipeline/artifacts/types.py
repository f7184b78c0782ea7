"""The kinds of artifacts: contracts name them as inputs and outputs.

Light on purpose: contracts and DAG files import it.
"""

from __future__ import annotations

from enum import StrEnum


class ArtifactType(StrEnum):
    """The type of an artifact; a step refuses an input whose type is not the one in its contract."""

    SOURCE = "source"
    """A pinned external source: the store holds its revision, not its data."""

    CHUNKS = "chunks"
    """A share of a source, cleaned ahead of ingestion: its documents are intermediate results, see `pipeline.corpus.clean_share`."""

    TEXT_SAMPLE = "text_sample"
    """Which words some texts of a source have: see `pipeline.corpus.quality.sample`."""

    CLASSIFIER = "classifier"
    """A linear classifier of texts: see `pipeline.corpus.quality`."""

    CORPUS = "corpus"
    """Documents as Parquet shards, one set per split: see `pipeline.corpus`."""

    TOKENIZER = "tokenizer"
    """The tokenizer of one corpus, made ahead of its tokens: see `pipeline.tokens.tokenizer_folder`."""

    ENCODED = "encoded"
    """A share of a corpus, encoded ahead of its tokens: token ids are intermediate results, see `pipeline.tokens.encode_share`."""

    TOKENS = "tokens"
    """A tokenizer and memory-mapped token shards: see `pipeline.tokens`."""

    MODEL = "model"
    """Weights, configuration and tokenizer of one model: see `pipeline.models`."""

    REPORT = "report"
    """Scores of one model on one corpus, as JSON, Parquet and HTML: see `pipeline.evaluation`."""

    DATA_REPORT = "data_report"
    """Page, card and findings of one corpus: see `pipeline.corpora`."""

    VERSION = "version"
    """A registered model version and the decision about it: see `pipeline.registry`."""
