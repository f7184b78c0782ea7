"""Tokenization: corpus → tokenizer → token shards, in bounded memory."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.corpus import CLEANING, LABELS
from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import TRAIN, VALIDATION
from pipeline.errors import Preempted
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.reporter import CpuHeartbeat
from pipeline.tokens import EXAMPLES, STREAMS, TOKENIZER
from pipeline.tokens.check_known import check_known
from pipeline.tokens.encoding import bulk_encoder
from pipeline.tokens.languages import set_source_language
from pipeline.tokens.text_encoder import TextEncoder
from pipeline.tokens.token_writer import TokenWriter, dtype_for
from pipeline.tokens.tokenizer_folder import copy_from_base, describe, save_trained
from pipeline.tokens.train_tokenizer import make_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.families.vocabulary import Vocabulary
    from pipeline.recipe.tokenizer import Tokenizer as Params
    from pipeline.reporter import Reporter
    from pipeline.tasks.section import LanguageTokens
    from pipeline.tokens.text_encoder import ExampleEncoder

BATCH = 4096
"""Documents encoded at once."""

CORPUS_FILES = ((LABELS, EXAMPLES), (CLEANING, EXAMPLES), (CLEANING, STREAMS))
"""Files of a corpus that a model must know, and the parts that hold them: its classes, and how its texts were cleaned."""


def tokenize_corpus(
    corpus: Path,
    params: Params,
    task: ExampleEncoder,
    output: Path,
    reporter: Reporter,
    threads: int = 1,
    home: Path = Path(),
    base: Path | None = None,
    languages: LanguageTokens | None = None,
) -> dict[str, int]:
    """Write a tokens artifact; `pipeline.tokens` describes its files.

    Args:
        corpus: folder of a corpus.
        params: vocabulary of the recipe.
        task: from documents to examples.
        output: empty folder to fill.
        reporter: gets progress, and may ask to stop.
        threads: threads to encode with; results do not depend on it.
        home: folder that a relative path of a given tokenizer starts from.
        base: folder of a base model whose tokenizer is used; None trains one, or takes the given one.
        languages: tokens of languages that the tokenizer must have.

    Returns:
        ``documents_<split>``, ``tokens_<split>``, ``bytes_<split>``, ``examples_<split>``, and what the task counts, for train and
        validation; ``vocabulary``.

    Raises:
        BadInput: the vocabulary is too small, the given tokenizer is not what the recipe pins, or the tokenizer does not know the
            text.
        Preempted: asked to stop.
    """
    for part in (STREAMS, EXAMPLES):
        (output / part).mkdir()
    vocabulary = _tokenizer(corpus, params, task, output / TOKENIZER, reporter, home, base, languages)
    tokenizer = load_content_tokenizer(output / TOKENIZER)
    sample = [text for document in islice(read_documents(corpus, TRAIN), BATCH) for text in task.stream_texts(document)]
    check_known(sample, tokenizer)
    encode = bulk_encoder(tokenizer, sample, threads)
    for name, part in CORPUS_FILES:
        if (corpus / name).is_file():
            shutil.copyfile(corpus / name, output / part / name)
    encoder = TextEncoder(output / TOKENIZER, vocabulary, encode, _labels(output / EXAMPLES / LABELS))
    counts: Counter[str] = Counter()
    for split in (TRAIN, VALIDATION):
        _write_split(corpus, split, task, encoder, output, counts, reporter)
    return {**dict(sorted(counts.items())), "vocabulary": vocabulary.size}


def _tokenizer(
    corpus: Path,
    params: Params,
    task: ExampleEncoder,
    folder: Path,
    reporter: Reporter,
    home: Path,
    base: Path | None,
    languages: LanguageTokens | None,
) -> Vocabulary:
    """The tokenizer's folder: the base's, a given one, or one trained on the train split."""
    folder.mkdir()
    if base is not None:
        found = copy_from_base(base, folder)
        framed = languages and languages.source and set_source_language(folder, found, languages.source)
        return describe(folder) if framed else found
    more = languages.every if languages else ()
    with CpuHeartbeat(reporter):  # the merges of a BPE take minutes, and `tokenizers` reports nothing meanwhile
        return save_trained(make_tokenizer(training_texts(corpus, task, reporter), params, home, more), folder, more)


def training_texts(corpus: Path, task: ExampleEncoder, reporter: Reporter) -> Iterator[str]:
    """What a tokenizer is trained on: all texts of the train split that the task reads or writes."""
    for count, document in enumerate(read_documents(corpus, TRAIN)):
        if count % BATCH == 0:
            _report_or_stop(reporter, count, "documents read for the tokenizer")
        yield from task.all_texts(document)


def _labels(file: Path) -> tuple[str, ...]:
    """The classes of the corpus; empty for a task without classes."""
    return tuple(json.loads(file.read_bytes())) if file.is_file() else ()


def _write_split(
    corpus: Path, split: str, task: ExampleEncoder, encoder: TextEncoder, output: Path, counts: Counter[str], reporter: Reporter
) -> None:
    """Write the stream and the examples of a split, and count."""
    counts.update({f"{name}_{split}": 0 for name in ("documents", "tokens", "bytes", "examples")})
    documents, ids = read_documents(corpus, split), dtype_for(encoder.vocabulary.size)
    frame, end = encoder.vocabulary.frame, encoder.vocabulary.eos
    prefix, suffix = np.array(frame.prefix, dtype=np.int64), np.array(frame.suffix or (end,), dtype=np.int64)
    with ExitStack() as stack:
        stream = stack.enter_context(TokenWriter(output / STREAMS / split, ids))
        fields = {
            name: stack.enter_context(TokenWriter(output / EXAMPLES / f"{split}-{name}", kind or ids)) for name, kind in task.fields.items()
        }
        while batch := list(islice(documents, BATCH)):
            texts = [text for document in batch for text in task.stream_texts(document)]
            for text, tokens in zip(texts, encoder.encode(texts), strict=True):
                stream.add(np.concatenate([prefix, tokens, suffix]))
                counts[f"tokens_{split}"] += len(prefix) + len(tokens) + len(suffix)
                counts[f"bytes_{split}"] += len(text.encode())
            counts[f"documents_{split}"] += len(batch)
            for example in task.encode([document for document in batch if document.target is not None], encoder, counts, split):
                counts[f"examples_{split}"] += 1
                for name, writer in fields.items():
                    writer.add(example[name])
            _report_or_stop(reporter, counts[f"documents_{split}"], f"{split} documents encoded")


def _report_or_stop(reporter: Reporter, count: int, unit: str) -> None:
    reporter.progress(count, 0, unit)
    if reporter.stopping():
        raise Preempted("stopped on request while tokenizing", "", "run it again")
