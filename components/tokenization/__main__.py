"""The body of tokenization: train a tokenizer on the train split, or read a given one, and write token shards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from components.tokenization.contract import TokenizationParams, contract
from pipeline.artifacts.fingerprint import code_identity
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpus.counts import check_counts
from pipeline.runtime import main
from pipeline.tasks.parts import part
from pipeline.tokens.report import FILE
from pipeline.tokens.tokenize import report_tokenizer, tokenize_corpus

if TYPE_CHECKING:
    from pipeline.runtime import Work
    from pipeline.tokens.text_encoder import ExampleEncoder


def tokenize(work: Work[TokenizationParams]) -> None:
    """Corpus → tokens."""
    corpus = work.inputs["corpus"]
    check_counts(corpus.folder, corpus.manifest.counts)
    processes = work.settings.threads or len(os.sched_getaffinity(0))
    encode: ExampleEncoder = part(work.params.task, "encode")
    base = work.inputs.get("base")
    # which tokenizer it is, each shard says itself
    intermediates = StoredIntermediates(work.artifacts, code_identity(work.identity, work.params.task))
    counts = tokenize_corpus(
        corpus.folder,
        work.params.tokenizer,
        encode,
        work.output,
        work.reporter,
        processes,
        work.settings.home,
        base.folder if base else None,
        work.params.task.language_tokens,
        intermediates,
        work.params.weights,
    )
    work.intermediates.extend(intermediates.used)
    work.counts.update(counts)
    work.metrics.update({f"tokens/{name}": float(value) for name, value in counts.items()})
    previous = work.inputs.get("previous")
    work.metrics.update(report_tokenizer(corpus.folder, encode, work.output, work.reporter, previous.folder if previous else None))
    work.tracking.log_file(work.output / FILE)


if __name__ == "__main__":
    main(contract, tokenize)
