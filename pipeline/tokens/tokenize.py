"""Tokenization: corpus → tokenizer → token shards, in bounded memory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipeline.artifacts.intermediates import NothingKept
from pipeline.corpus import CLEANING, LABELS
from pipeline.corpus.splitting import TRAIN, VALIDATION
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.reporter import CpuHeartbeat
from pipeline.tokens import EXAMPLES, STREAMS, TOKENIZER
from pipeline.tokens.check_known import check_known
from pipeline.tokens.corpus_tokenizer import corpus_tokenizer, sample_texts
from pipeline.tokens.encode_shard import STREAM
from pipeline.tokens.encoded_shards import EncodedShards
from pipeline.tokens.encoding import choose_encoder
from pipeline.tokens.report import FILE as REPORT
from pipeline.tokens.report.make import TokenizerReport, main_metrics
from pipeline.tokens.token_writer import join_shards

if TYPE_CHECKING:
    from pipeline.artifacts.intermediates import Intermediates
    from pipeline.recipe.mixture import Weights
    from pipeline.recipe.tokenizer import Tokenizer as Params
    from pipeline.reporter import Reporter
    from pipeline.tasks.section import LanguageTokens
    from pipeline.tokens.text_encoder import ExampleEncoder

CORPUS_FILES = ((LABELS, EXAMPLES), (CLEANING, EXAMPLES), (CLEANING, STREAMS))
"""Files of a corpus that a model must know, and the parts that hold them: its classes, and how its texts were cleaned."""


def tokenize_corpus(
    corpus: Path,
    params: Params,
    task: ExampleEncoder,
    output: Path,
    reporter: Reporter,
    processes: int = 1,
    home: Path = Path(),
    base: Path | None = None,
    languages: LanguageTokens | None = None,
    intermediates: Intermediates | None = None,
    weights: Weights | None = None,
    tokenizer: Path | None = None,
) -> dict[str, int]:
    """Write a tokens artifact; `pipeline.tokens` describes its files.

    Args:
        corpus: folder of a corpus.
        params: vocabulary of the recipe.
        task: from documents to examples.
        output: empty folder to fill.
        reporter: gets progress, and may ask to stop.
        processes: most processes to encode with; results do not depend on it.
        home: folder that a relative path of a given tokenizer starts from.
        base: folder of a base model whose tokenizer is used; None trains one, or takes the given one.
        languages: tokens of languages that the tokenizer must have.
        intermediates: where encoded shards are kept; None keeps none.
        weights: how often training reads the documents of each source; None: once.
        tokenizer: folder of the tokenizer of this corpus, if it was made before.

    Returns:
        ``documents_<split>``, ``tokens_<split>``, ``bytes_<split>``, ``examples_<split>``, and what the task counts, for train and
        validation, as often as they are read in a pass; of several sources ``source_documents_<name>`` and ``source_tokens_<name>`` of
        training; ``vocabulary``.

    Raises:
        BadInput: the vocabulary is too small, the given tokenizer is not what the recipe pins, or the tokenizer does not know the
            text.
        Preempted: asked to stop.
    """
    for part in (STREAMS, EXAMPLES):
        (output / part).mkdir()
    own, kept = output / TOKENIZER, intermediates or NothingKept()
    own.mkdir()
    if tokenizer is None:
        corpus_tokenizer(corpus, params, task, own, reporter, home, base, languages)
    for place in tokenizer.iterdir() if tokenizer else ():
        shutil.copyfile(place, own / place.name)
    content, sample = load_content_tokenizer(own), sample_texts(corpus, task)
    check_known(sample, content)
    encoder = choose_encoder(content, sample)
    for name, part in CORPUS_FILES:
        if (corpus / name).is_file():
            shutil.copyfile(corpus / name, output / part / name)
    with TemporaryDirectory(dir=output.parent) as scratch:
        shards = EncodedShards(corpus, task, own, encoder, Path(scratch), processes, reporter, kept, weights)
        # a single shard is the artifact itself
        shards.encode(range(len(shards)), keep=len(shards) > 1)
        counts = shards.counts()
        _join(shards, task, output)
    return {**counts, "vocabulary": shards.vocabulary.size}


def _join(shards: EncodedShards, task: ExampleEncoder, output: Path) -> None:
    """Write the token shards of both splits."""
    for split in (TRAIN, VALIDATION):
        join_shards([folder / STREAM for folder in shards.of(split)], output / STREAMS / split)
        for name in task.fields:
            join_shards([folder / f"example-{name}" for folder in shards.of(split)], output / EXAMPLES / f"{split}-{name}")


def report_tokenizer(
    corpus: Path, task: ExampleEncoder, output: Path, reporter: Reporter, previous: Path | None = None
) -> dict[str, float]:
    """Write the report of the tokenizer beside the tokens, and compare it with another tokenizer.

    Args:
        corpus: folder of the corpus.
        task: says which texts a document has.
        output: folder of the tokens.
        reporter: gets progress.
        previous: folder of the other tokenizer; None compares with none.

    Returns:
        The main figures, and those of the comparison, as metrics.
    """
    with CpuHeartbeat(reporter):
        report = TokenizerReport(corpus, task, output / TOKENIZER, reporter)
        plain = report.plain()
        (output / REPORT).write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return main_metrics(plain) | (report.compare(previous) if previous else {})
