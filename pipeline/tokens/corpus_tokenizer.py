"""The tokenizer of a corpus: the base's, a given one, or one that is trained on the train split."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pipeline.corpus.read_corpus import read_documents
from pipeline.corpus.splitting import TRAIN
from pipeline.reporter import CpuHeartbeat
from pipeline.tokens.languages import set_source_language
from pipeline.tokens.tokenizer_folder import copy_from_base, describe, save_trained
from pipeline.tokens.train_tokenizer import make_tokenizer
from pipeline.tokens.training_texts import training_texts

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.families.vocabulary import Vocabulary
    from pipeline.recipe.tokenizer import Tokenizer as Params
    from pipeline.reporter import Reporter
    from pipeline.tasks.section import LanguageTokens
    from pipeline.tokens.text_encoder import ExampleEncoder

SAMPLE = 4096
"""Documents on which a tokenizer is checked and encoders are compared."""


def corpus_tokenizer(
    corpus: Path,
    params: Params,
    task: ExampleEncoder,
    folder: Path,
    reporter: Reporter,
    home: Path,
    base: Path | None = None,
    languages: LanguageTokens | None = None,
) -> Vocabulary:
    """Write the folder of the tokenizer.

    Args:
        corpus: folder of a corpus.
        params: vocabulary of the recipe.
        task: says which texts a document has.
        folder: empty folder to fill.
        reporter: gets progress, and may ask to stop.
        home: folder that a relative path of a given tokenizer starts from.
        base: folder of a base model whose tokenizer is used; None trains one, or takes the given one.
        languages: tokens of languages that the tokenizer must have.

    Raises:
        BadInput: the vocabulary is too small, the given tokenizer is not what the recipe pins, or the base's cannot be used.
        Preempted: asked to stop.
    """
    if base is not None:
        found = copy_from_base(base, folder)
        framed = languages and languages.source and set_source_language(folder, found, languages.source)
        return describe(folder) if framed else found
    more = languages.every if languages else ()
    with CpuHeartbeat(reporter):  # the merges of a BPE take minutes, and `tokenizers` reports nothing meanwhile
        texts = training_texts(corpus, task, reporter, params.sample_mb)
        return save_trained(make_tokenizer(texts, params, home, more), folder, more)


def sample_texts(corpus: Path, task: ExampleEncoder) -> list[str]:
    """The texts that training without labels reads of the first training documents."""
    return [text for document in islice(read_documents(corpus, TRAIN), SAMPLE) for text in task.stream_texts(document)]
