"""Tokenization: corpus → tokenizer → token shards, in bounded memory."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import TRAIN, VALIDATION
from pipeline.errors import Preempted
from pipeline.reporter import CpuHeartbeat
from pipeline.tokens.encoding import bulk_encoder
from pipeline.tokens.layout import Layout, write_layout
from pipeline.tokens.prompt import source_text
from pipeline.tokens.special_tokens import special_ids
from pipeline.tokens.token_writer import TokenWriter, dtype_for
from pipeline.tokens.train_tokenizer import make_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.documents import Document
    from pipeline.recipe.tokenizer import Tokenizer as Params
    from pipeline.reporter import Reporter
    from pipeline.tokens.encoding import Encode

BATCH = 4096
"""Documents encoded at once."""


def tokenize_corpus(
    corpus: Path, params: Params, output: Path, reporter: Reporter, threads: int = 1, home: Path = Path()
) -> dict[str, int]:
    """Write a tokens artifact; `pipeline.tokens` describes its files.

    Args:
        corpus: folder of a corpus.
        params: vocabulary and lengths of the recipe.
        output: empty folder to fill.
        reporter: gets progress, and may ask to stop.
        threads: threads to encode with; results do not depend on it.
        home: folder that a relative path of a given tokenizer starts from.

    Returns:
        ``documents_<split>``, ``tokens_<split>``, ``bytes_<split>``, ``pairs_<split>``, ``cut_sources_<split>``,
        ``cut_targets_<split>`` for train and validation; ``vocabulary``.

    Raises:
        BadInput: the vocabulary is too small, or the given tokenizer is not what the recipe pins.
        Preempted: asked to stop.
    """
    with CpuHeartbeat(reporter):  # the merges of a BPE take minutes, and `tokenizers` reports nothing meanwhile
        tokenizer = make_tokenizer(training_texts(corpus, reporter), params, home)
    # not tokenizer.save: it raises a plain Exception when the disk is full, and the runtime must see an OSError
    (output / "tokenizer.json").write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
    special, sentinels = special_ids(tokenizer, params.sentinels)
    vocabulary = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    first = [source_text(document.name, document.text) for document in islice(read_documents(corpus, TRAIN), BATCH)]
    encode = bulk_encoder(tokenizer, first, threads)
    writer = _SplitWriter(params, encode, special["eos"], dtype_for(vocabulary), output)
    counts: Counter[str] = Counter()
    for split in (TRAIN, VALIDATION):
        writer.write(corpus, split, counts, reporter)
    written = dict(sorted(counts.items()))
    layout = Layout(vocabulary, writer.dtype, special, sentinels, params.max_source_tokens, params.max_target_tokens, written)
    write_layout(output, layout)
    return written | {"vocabulary": vocabulary}


def training_texts(corpus: Path, reporter: Reporter) -> Iterator[str]:
    """What a tokenizer is trained on: sources and targets of the train split.

    Raises:
        Preempted: asked to stop.
    """
    for count, document in enumerate(read_documents(corpus, TRAIN)):
        if count % BATCH == 0:
            _report_or_stop(reporter, count, "documents read for the tokenizer")
        yield source_text(document.name, document.text)
        if document.target:
            yield document.target


def _report_or_stop(reporter: Reporter, count: int, unit: str) -> None:
    reporter.progress(count, 0, unit)
    if reporter.stopping():
        raise Preempted("stopped on request while tokenizing", "", "run it again")


class _SplitWriter:
    """Encodes documents and appends them to the shards of their split."""

    def __init__(self, params: Params, encode: Encode, eos: int, dtype: str, output: Path) -> None:
        self.params, self.encode, self.end, self.dtype, self.output = params, encode, np.array([eos]), dtype, output

    def write(self, corpus: Path, split: str, counts: Counter[str], reporter: Reporter) -> None:
        """Write the three shards of a split, and count."""
        counts.update({f"{name}_{split}": 0 for name in ("documents", "tokens", "bytes", "pairs", "cut_sources", "cut_targets")})
        documents = read_documents(corpus, split)
        with ExitStack() as stack:
            names = (f"stream-{split}", f"pairs-{split}-source", f"pairs-{split}-target")
            stream, sources, targets = (stack.enter_context(TokenWriter(self.output, name, self.dtype)) for name in names)
            while batch := list(islice(documents, BATCH)):
                self._add_texts(batch, stream, sources, counts, split)
                self._add_targets([document.target for document in batch if document.target is not None], targets, counts, split)
                _report_or_stop(reporter, counts[f"documents_{split}"], f"{split} documents encoded")

    def _add_texts(self, batch: list[Document], stream: TokenWriter, sources: TokenWriter, counts: Counter[str], split: str) -> None:
        texts = [source_text(document.name, document.text) for document in batch]
        limit = self.params.max_source_tokens
        for document, text, tokens in zip(batch, texts, self.encode(texts), strict=True):
            stream.add(np.concatenate([tokens, self.end]))
            counts[f"documents_{split}"] += 1
            counts[f"tokens_{split}"] += len(tokens) + 1
            counts[f"bytes_{split}"] += len(text.encode())
            if document.target is not None:
                sources.add(tokens[:limit])
                counts[f"pairs_{split}"] += 1
                counts[f"cut_sources_{split}"] += len(tokens) > limit

    def _add_targets(self, texts: list[str], targets: TokenWriter, counts: Counter[str], split: str) -> None:
        limit = self.params.max_target_tokens
        for tokens in self.encode(texts):
            targets.add(np.concatenate([tokens, self.end])[:limit])
            counts[f"cut_targets_{split}"] += len(tokens) + 1 > limit
