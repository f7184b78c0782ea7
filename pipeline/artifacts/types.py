"""What kinds of artifacts there are: names that contracts use to say what a step takes and gives.

Light on purpose: contracts and DAG files import it.
"""

from __future__ import annotations

from enum import StrEnum


class ArtifactType(StrEnum):
    """The type of an artifact; a step that is handed another type than its contract names refuses it."""

    SOURCE = "source"
    """A pinned outside source: nothing of it lies in the store, only which revision was read."""

    CORPUS = "corpus"
    """Documents as Parquet shards, one set per split: see `pipeline.corpus`."""

    TOKENS = "tokens"
    """A tokenizer and memory-mapped token shards: see `pipeline.tokens`."""

    MODEL = "model"
    """Weights, configuration and tokenizer of one model: see `pipeline.models`."""

    REPORT = "report"
    """Scores of one model on one corpus, as JSON, Parquet and HTML: see `pipeline.evaluation`."""

    VERSION = "version"
    """A registered model version and the decision about it: see `pipeline.registry`."""
