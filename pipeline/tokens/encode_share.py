"""Encode a share of a corpus ahead of tokenization: some of its shards, which are kept in the store for it.

Several machines take a share each. Tokenization finds the encoded shards by what they follow from, so it needs to know neither how many machines
there were nor which of them did what, and encodes by itself what is missing.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tokens.corpus_tokenizer import sample_texts
from pipeline.tokens.encode_shard import COUNTS
from pipeline.tokens.encoded_shards import EncodedShards
from pipeline.tokens.encoding import choose_encoder

if TYPE_CHECKING:
    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.recipe.mixture import Weights
    from pipeline.recipe.workers import Share
    from pipeline.reporter import Reporter
    from pipeline.tokens.text_encoder import ExampleEncoder

SHARE = "share.json"
"""The file of the artifact: the sha256 of each shard by the name of its piece."""


def encode_share(
    corpus: Path,
    task: ExampleEncoder,
    tokenizer: Path,
    share: Share,
    output: Path,
    reporter: Reporter,
    intermediates: Intermediates,
    processes: int = 1,
    weights: Weights | None = None,
) -> dict[str, int]:
    """Encode the shards of one share that are not kept yet.

    Args:
        corpus: folder of a corpus.
        task: from documents to examples.
        tokenizer: folder of its tokenizer.
        share: which one; it may have no shard.
        output: empty folder to fill.
        reporter: gets progress, and may ask to stop.
        intermediates: where encoded shards are kept.
        processes: most processes.
        weights: how often training reads the documents of each source; None: once.

    Returns:
        ``shards``, and the ``documents`` and ``tokens`` in them.

    Raises:
        Preempted: asked to stop.
        Unavailable: a worker was killed.
    """
    encoder = choose_encoder(load_content_tokenizer(tokenizer), sample_texts(corpus, task))
    with TemporaryDirectory(dir=output.parent) as scratch:
        shards = EncodedShards(corpus, task, tokenizer, encoder, Path(scratch), processes, reporter, intermediates, weights)
        numbers = shards.share(share.number, share.of)
        shards.encode(numbers, (COUNTS,))
        counts = [(shards.pieces[number].split, shards.counts_of(number)) for number in numbers]
        named = {shards.pieces[number].name: shards.what(number)["shard"] for number in numbers}
    (output / SHARE).write_text(json.dumps(named, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    sums = {name: sum(found[f"{name}_{split}"] for split, found in counts) for name in ("documents", "tokens")}
    return {"shards": len(numbers), **sums}
