"""What a model of names costs for each megabyte of text, on one core: the small one of the tests, and one of the size of MiniLM-L6."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.name_tagger import LABELS, save_word_pieces, train_tagger

from pipeline.models.names.finder import NameFinder

if TYPE_CHECKING:
    from collections.abc import Sequence

MINILM = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536, "max_position_embeddings": 512}
"""all-MiniLM-L6-v2's; random weights cost what trained ones cost."""

CHARACTERS = {"small": 100_000, "MiniLM-L6": 30_000}
"""Of the texts that are read."""

ROUNDS = 3


def names_rows(short: Sequence[str], long: Sequence[str]) -> list[tuple[str, str, str]]:
    """A row for each model.

    Args:
        short: paragraphs.
        long: whole pages.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        small = train_tagger(_empty(Path(folder) / "small"))
        large = _of_size(_empty(Path(folder) / "MiniLM-L6"), long)
        for place in (small, large):
            finder, figures = NameFinder(place), []
            for texts in (short, long):
                chosen = _first(texts, CHARACTERS[place.name])
                times = [_seconds(finder, chosen) for _ in range(ROUNDS)]
                size = sum(map(len, chosen)) / 1e6
                figures.append(f"{size / statistics.median(times):.3g} MB/s, {statistics.median(times) / size:.3g} s of CPU for each MB")
            name = f"`names`, {place.name} model ({finder.weights / 1e6:.1f} M weights, windows of {finder.window})"
            rows.append((name, "; ".join(figures), ""))
    return rows


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _of_size(folder: Path, texts: Sequence[str]) -> Path:
    """A model of MiniLM's size with random weights, and a tokenizer that knows the words of the texts, as its own knows those of English."""
    import torch
    from transformers import BertConfig, BertForTokenClassification

    save_word_pieces(folder, texts, 30_522, 512)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        labels = {"id2label": dict(enumerate(LABELS)), "label2id": {name: number for number, name in enumerate(LABELS)}}
        BertForTokenClassification(BertConfig(vocab_size=30_522, pad_token_id=0, **MINILM, **labels)).save_pretrained(folder)
    return folder


def _first(texts: Sequence[str], characters: int) -> list[str]:
    found: list[str] = []
    for text in texts:
        found.append(text)
        if sum(map(len, found)) >= characters:
            break
    return found


def _seconds(finder: NameFinder, texts: list[str]) -> float:
    """Seconds of CPU: one thread works, and other programs may run."""
    began = time.process_time()
    finder.find(texts, ("PER",), 0.5)
    return time.process_time() - began
