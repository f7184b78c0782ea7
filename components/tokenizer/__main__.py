"""The body of the tokenizer's step: train a tokenizer on the train split, or take a given one or the base's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.tokenizer.contract import TokenizerParams, contract
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.runtime import main
from pipeline.tasks.parts import part
from pipeline.tokens.check_known import check_known
from pipeline.tokens.corpus_tokenizer import corpus_tokenizer, sample_texts

if TYPE_CHECKING:
    from pipeline.runtime import Work
    from pipeline.tokens.text_encoder import ExampleEncoder


def make_tokenizer(work: Work[TokenizerParams]) -> None:
    """Corpus → tokenizer."""
    encode: ExampleEncoder = part(work.params.task, "encode")
    corpus, base = work.inputs["corpus"].folder, work.inputs.get("base")
    languages = work.params.task.language_tokens
    vocabulary = corpus_tokenizer(
        corpus,
        work.params.tokenizer,
        encode,
        work.output,
        work.reporter,
        work.settings.home,
        base.folder if base else None,
        languages,
    )
    # here, and not first in each of the steps that encode
    check_known(sample_texts(corpus, encode), load_content_tokenizer(work.output))
    work.counts["vocabulary"] = vocabulary.size


if __name__ == "__main__":
    main(contract, make_tokenizer)
