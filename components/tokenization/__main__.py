"""The body of tokenization: take or train a tokenizer, and write token shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.encoding.contract import EncodingParams
from components.encoding.contract import contract as encoding
from components.tokenization.contract import TokenizationParams, contract
from pipeline.artifacts.fingerprint import code_identity, fingerprint_parts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpus.counts import check_counts
from pipeline.corpus.readers.workers import available_cores
from pipeline.file_cache import FileCache
from pipeline.recipe.workers import Share
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
    encode: ExampleEncoder = part(work.params.task, "encode")
    base, tokenizer = work.inputs.get("base"), work.inputs.get("tokenizer")
    kept = _kept(work)
    counts = tokenize_corpus(
        corpus.folder,
        work.params.tokenizer,
        encode,
        work.output,
        work.reporter,
        work.settings.threads or available_cores(),
        work.settings.home,
        base.folder if base else None,
        work.params.task.language_tokens,
        kept,
        work.params.weights,
        tokenizer.folder if tokenizer else None,
    )
    work.intermediates.extend(kept.used)
    work.counts.update(counts)
    work.metrics.update({f"tokens/{name}": float(value) for name, value in counts.items()})
    previous = work.inputs.get("previous")
    work.metrics.update(report_tokenizer(corpus.folder, encode, work.output, work.reporter, previous.folder if previous else None))
    work.tracking.log_file(work.output / FILE)


def _kept(work: Work[TokenizationParams]) -> StoredIntermediates:
    """Where encoded shards are kept: they depend on the code of encoding only, wherever they were encoded. Which tokenizer it is, each says itself."""
    params = EncodingParams(task=work.params.task, weights=work.params.weights, share=Share(number=1, of=1))
    parts = fingerprint_parts(encoding, params, {}, FileCache(work.settings.file_cache_path("code")))
    return StoredIntermediates(work.artifacts, code_identity(parts, work.params.task))


if __name__ == "__main__":
    main(contract, tokenize)
