"""TF-IDF with logistic regression on the part of each text that a model reads.

A model reads the first tokens of a text and TF-IDF all of its words. A docstring has 88 tokens in the median and 192 in the mean:
96 tokens hold about a third of all words. Here TF-IDF learns from that part, and answers from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyarrow import array, float64, list_, parquet, table
from transformers import AutoTokenizer

from pipeline.corpus.choose_examples import choose_examples
from pipeline.corpus.read_corpus import read_documents
from pipeline.evaluation.baselines.base import Known
from pipeline.evaluation.baselines.tfidf_logistic import TFIDF_LOGISTIC
from pipeline.evaluation.scoring import KNOWN
from pipeline.metrics.load_metric import load_metric

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from pipeline.corpus.documents import Document
    from pipeline.recipe.evaluation import Evaluation

SYSTEM = "tfidf_same_tokens"


def score_same_tokens(corpus: Path, model: Path, limit: int, params: Evaluation, output: Path) -> None:
    """Write ``examples.parquet`` with the statistics of the test documents that an evaluation chooses.

    Args:
        corpus: folder of the corpus that the model learned from.
        model: its folder, with the tokenizer.
        limit: how many tokens the model reads.
        params: which documents are scored.
        output: empty folder to fill.
    """
    tokenizer = AutoTokenizer.from_pretrained(model)
    wanted = (("train", KNOWN), ("test", params.examples))
    known, asked = (
        choose_examples(read_documents(corpus, split), lambda document: document.target, count, params.seed) for split, count in wanted
    )
    documents = cut(asked.documents, tokenizer, limit)
    answers = TFIDF_LOGISTIC.predict(Known(cut(known.documents, tokenizer, limit), known.references), documents)
    rows = array(load_metric("accuracy").statistics(asked.references, answers).tolist(), list_(float64()))
    columns = {"id": [one.id for one in documents], "split": ["test"] * len(documents), f"{SYSTEM}.accuracy": rows}
    parquet.write_table(table(columns), output / "examples.parquet")


def cut(documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase, limit: int) -> list[Document]:
    """The documents with as much of their texts as ``limit`` tokens hold, special tokens included."""
    texts = [document.text for document in documents]
    spans = tokenizer(texts, truncation=True, max_length=limit, return_offsets_mapping=True)["offset_mapping"]
    return [one._replace(text=one.text[: max(end for _, end in found)]) for one, found in zip(documents, spans, strict=True)]
