"""Makes the report of a tokenizer, and compares it with the champion's on the same texts."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.corpus.splitting import SPLITS, TRAIN
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tokens.report.figures import COLUMN, by_document, figures, ratio
from pipeline.tokens.report.measure import measure
from pipeline.tokens.report.sample import TEXT_CHARACTERS, sample_texts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from pipeline.reporter import Reporter
    from pipeline.tokens.report.measure import Measured
    from pipeline.tokens.report.sample import SampledText
    from pipeline.tokens.text_encoder import ExampleEncoder

SHOWN = 10
"""Languages and groups of the train split that are named, those with the most documents; the others are together."""

WORDS, WORD_TEXTS = 20, 5
"""Split words that are named, and texts that one must be in: a rare one may be private."""

OTHERS = "(others)"

ROW_METRICS = ("bytes_per_token", "split_words")
SPLIT_METRICS = (*ROW_METRICS, "characters_per_token", "tokens_per_word", "unknown")
"""Figures that are metrics: of languages, and of whole splits."""


class Row(NamedTuple):
    """Some texts of one split."""

    split: str
    of: str
    """``all``, ``language`` or ``group``."""

    name: str
    places: NDArray[np.int64]
    """Places of the texts in the sample of the split."""

    @property
    def key(self) -> str:
        """What metrics call it: letters, digits and a few signs, as MLflow allows."""
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", self.name)[:40]
        if plain != self.name:
            plain = f"{plain}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"
        return f"{self.split}/{self.of}/{plain}" if self.name else self.split


class TokenizerReport:
    """The sample of a corpus, and what a tokenizer makes of it."""

    def __init__(self, corpus: Path, task: ExampleEncoder, folder: Path, reporter: Reporter) -> None:
        """Take the sample and measure.

        Args:
            corpus: folder of the corpus.
            task: says which texts a document has.
            folder: of the tokenizer.
            reporter: gets progress.
        """
        self._folder, self._tokenizer = folder, load_content_tokenizer(folder)
        self._texts: dict[str, list[SampledText]] = {}
        for number, split in enumerate(SPLITS):
            reporter.progress(number, len(SPLITS), "splits looked at for the report of the tokenizer")
            texts = sample_texts(corpus, split, task)
            if texts:
                self._texts[split] = texts
        self._measured = {split: measure(texts, self._tokenizer, pieces=split == TRAIN) for split, texts in self._texts.items()}

    def plain(self) -> dict[str, Any]:
        """The content of the file: figures of each row, the vocabulary, and words that are often split."""
        rows = [
            {"split": row.split, "of": row.of, "name": row.name, "key": row.key} | figures(self._measured[row.split].counts[row.places])
            for row in self._rows()
        ]
        return {
            "tokenizer": _sha256(self._folder),
            "vocabulary": {"size": self._tokenizer.get_vocab_size(), "used_in_sample": _used(self._measured.values(), self._tokenizer)},
            "characters_of_a_text": TEXT_CHARACTERS,
            "rows": rows,
            "split_words": self._split_words(),
        }

    def compare(self, previous: Path) -> dict[str, float]:
        """What another tokenizer makes of the same texts, as metrics.

        Args:
            previous: folder of the other tokenizer.

        Returns:
            ``previous_tokenizer/same`` is 1 if it is this one. Else, for the key of each row: ``bytes_per_token`` and ``split_words`` of the other
            one; ``tokens``, the tokens of this one for each token of the other; for a whole split, its interval ``tokens_low`` and ``tokens_high``.
        """
        if _sha256(previous) == _sha256(self._folder):
            return {"previous_tokenizer/same": 1.0}
        tokenizer = load_content_tokenizer(previous)
        others = {split: measure(texts, tokenizer) for split, texts in self._texts.items()}
        metrics = {"previous_tokenizer/same": 0.0, "previous_tokenizer/vocabulary": float(tokenizer.get_vocab_size())}
        metrics["previous_tokenizer/used_in_sample"] = _used(others.values(), tokenizer)
        for row in self._rows():
            mine, theirs = (found[row.split].counts[row.places] for found in (self._measured, others))
            shown = figures(theirs)
            tokens = ratio(*(by_document(counts)[:, COLUMN["tokens"]] for counts in (mine, theirs)))
            values = {name: shown[name]["value"] for name in ROW_METRICS} | {"tokens": tokens["value"]}
            values |= {"tokens_low": tokens["low"], "tokens_high": tokens["high"]} if row.of == "all" else {}
            metrics |= {f"previous_tokenizer/{row.key}/{name}": value for name, value in values.items() if value is not None}
        return metrics

    def _rows(self) -> Iterable[Row]:
        """All texts of each split; and languages and groups of the train split."""
        for split, texts in self._texts.items():
            yield Row(split, "all", "", np.arange(len(texts)))
        train = self._texts.get(TRAIN, [])
        for of, names in (("language", [one.language for one in train]), ("group", [one.group for one in train])):
            yield from _named_rows(of, names)

    def _split_words(self) -> list[dict[str, Any]]:
        """The words that cost the most tokens beyond the first, in the train split."""
        pieces = self._measured[TRAIN].pieces if TRAIN in self._measured else Counter[tuple[str, ...]]()
        often = [(parts, texts) for parts, texts in pieces.items() if texts >= WORD_TEXTS and "".join(parts).isalpha()]
        often.sort(key=lambda pair: (-(len(pair[0]) - 1) * pair[1], pair[0]))
        return [{"pieces": list(parts), "texts": texts} for parts, texts in often[:WORDS]]


def main_metrics(report: dict[str, Any]) -> dict[str, float]:
    """The figures of a report that are metrics: of all rows apart from groups.

    Args:
        report: the content of the file.
    """
    found: dict[str, float | None] = {}
    for row in report["rows"]:
        names = {"all": SPLIT_METRICS, "language": ROW_METRICS}.get(row["of"], ())
        found |= {f"tokenizer/{row['key']}/{name}": row[name]["value"] for name in names}
    found["tokenizer/used_in_sample"] = report["vocabulary"]["used_in_sample"]
    return {name: float(value) for name, value in found.items() if value is not None}


def _named_rows(of: str, names: list[str]) -> Iterable[Row]:
    """A row for each frequent name, and one for the others; none for a single group."""
    counted = sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0]))
    if of == "group" and len(counted) < 2:
        return
    shown = [name for name, _ in counted[:SHOWN] if name]
    every = np.array(names)
    for name in shown:
        yield Row(TRAIN, of, name, np.flatnonzero(every == name))
    rest = np.flatnonzero(~np.isin(every, shown))
    if len(rest):
        yield Row(TRAIN, of, OTHERS, rest)


def _used(measured: Iterable[Measured], tokenizer: Tokenizer) -> float:
    """Share of the vocabulary, special tokens apart, that occurs in the samples of all splits."""
    special = sum(token.special for token in tokenizer.get_added_tokens_decoder().values())
    every = np.logical_or.reduce([found.used for found in measured])
    return round(int(every.sum()) / max(1, tokenizer.get_vocab_size() - special), 4)


def _sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
