"""Encoding one shard of a corpus: documents → a stream of ids, and examples. A job for a worker process."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from pyarrow import parquet

from pipeline.corpus.read_corpus import read_file
from pipeline.corpus.shards import size_of
from pipeline.errors import Preempted
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tokens.encoding import encoder_named
from pipeline.tokens.repeats import is_chosen
from pipeline.tokens.text_encoder import TextEncoder
from pipeline.tokens.token_writer import TokenWriter, dtype_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.corpus.documents import Document
    from pipeline.families.vocabulary import Vocabulary
    from pipeline.reporter import Reporter
    from pipeline.tokens.encoding import Encode
    from pipeline.tokens.text_encoder import ExampleEncoder

STREAM = "stream"
"""Name of the token shard of all texts; those of examples are called ``example-<field>``."""
COUNTS = "counts.json"

BATCH_DOCUMENTS = 4096
BATCH_CHARS = 4 << 20
"""A batch ends at so many documents or characters, an image counted by its bytes: its texts and ids take up to 100 MB."""


@dataclass(frozen=True)
class EncodeJob:
    """One shard, and what it is encoded with."""

    shard: Path
    split: str
    """``train`` or ``validation``."""

    task: ExampleEncoder
    tokenizer: Path
    """The tokenizer's folder."""

    vocabulary: Vocabulary
    labels: tuple[str, ...]
    encoder: str
    """Which encoder; see `pipeline.tokens.encoding.choose_encoder`."""

    folder: Path
    """Where the files go."""

    share: float = 1.0
    """Share of the documents that is encoded; a hash chooses."""

    def documents(self) -> Iterator[Document]:
        """The documents to encode, in order."""
        found = read_file(self.shard)
        return found if self.share == 1 else (each for each in found if is_chosen(each.id, self.share))


def encode_shard(job: EncodeJob, reporter: Reporter) -> None:
    """Encode a shard.

    Raises:
        Preempted: asked to stop.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    remembered = _RememberedTexts(encoder_of_process(job.encoder, job.tokenizer, (job.tokenizer / "tokenizer.json").read_bytes()))
    encoder = TextEncoder(job.tokenizer, job.vocabulary, remembered, job.labels)
    frame, split, ids = job.vocabulary.frame, job.split, dtype_for(job.vocabulary.size)
    prefix, suffix = np.array(frame.prefix, dtype=np.int64), np.array(frame.suffix or (job.vocabulary.eos,), dtype=np.int64)
    size, rows = job.shard.stat().st_size / 1e6, parquet.read_metadata(job.shard).num_rows
    counts: Counter[str] = Counter({f"{name}_{split}": 0 for name in ("documents", "tokens", "bytes", "examples")})
    with ExitStack() as stack:
        stream = stack.enter_context(TokenWriter(job.folder / STREAM, ids))
        fields = {
            name: stack.enter_context(TokenWriter(job.folder / f"example-{name}", kind or ids)) for name, kind in job.task.fields.items()
        }
        for batch in _batches(job.documents()):
            texts = [text for document in batch for text in job.task.stream_texts(document)]
            for tokens in remembered.begin(texts):
                stream.add(prefix, tokens, suffix)
                counts[f"tokens_{split}"] += len(prefix) + len(tokens) + len(suffix)
            counts[f"bytes_{split}"] += sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
            counts[f"documents_{split}"] += len(batch)
            for example in job.task.encode([document for document in batch if document.target is not None], encoder, counts, split):
                counts[f"examples_{split}"] += 1
                for name, writer in fields.items():
                    writer.add(example[name])
            reporter.progress(size * counts[f"documents_{split}"] / rows, size, "MB")
            if reporter.stopping():
                raise Preempted("stopped on request while tokenizing", "", "run it again")
    (job.folder / COUNTS).write_text(json.dumps(counts), encoding="utf-8")


@lru_cache(maxsize=1)
def encoder_of_process(name: str, tokenizer: Path, content: bytes) -> Encode:
    """The encoder of a process: the words that it knows from one shard are in the next one too."""
    del content  # only tells a tokenizer from another in the same folder
    return encoder_named(name, load_content_tokenizer(tokenizer))


class _RememberedTexts:
    """Encodes texts; a task that reads a text of the stream in its examples too gets the same ids without a second pass."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._known: dict[str, NDArray[np.int64]] = {}

    def begin(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Encode the texts of a batch, and remember them instead of those before."""
        found = self._encode(texts)
        self._known = dict(zip(texts, found, strict=True))
        return found

    def __call__(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Encode texts of the examples of this batch."""
        new = [text for text in texts if text not in self._known]
        found = iter(self._encode(new))
        return [self._known[text] if text in self._known else next(found) for text in texts]


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += size_of(document)
        if len(batch) >= BATCH_DOCUMENTS or size >= BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
