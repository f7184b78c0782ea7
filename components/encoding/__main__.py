"""The body of encoding: encode a share of a corpus, and keep the shards for tokenization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.encoding.contract import EncodingParams, contract
from pipeline.artifacts.fingerprint import code_identity, fingerprint_parts
from pipeline.artifacts.intermediates import StoredIntermediates
from pipeline.corpus.readers.workers import available_cores
from pipeline.file_cache import FileCache
from pipeline.runtime import main
from pipeline.tasks.parts import part
from pipeline.tokens.encode_share import encode_share

if TYPE_CHECKING:
    from pipeline.runtime import Work
    from pipeline.tokens.text_encoder import ExampleEncoder


def encode(work: Work[EncodingParams]) -> None:
    """Share of a corpus → kept shards of token ids."""
    task: ExampleEncoder = part(work.params.task, "encode")
    # not the identity of this step, which also covers what its inputs were made with: tokenization finds the shards by the code alone
    parts = fingerprint_parts(contract, work.params, {}, FileCache(work.settings.file_cache_path("code")))
    kept = StoredIntermediates(work.artifacts, code_identity(parts, work.params.task))
    counts = encode_share(
        work.inputs["corpus"].folder,
        task,
        work.inputs["tokenizer"].folder,
        work.params.share,
        work.output,
        work.reporter,
        kept,
        work.settings.threads or available_cores(),
        work.params.weights,
    )
    work.intermediates.extend(kept.used)
    work.counts.update(counts)


if __name__ == "__main__":
    main(contract, encode)
