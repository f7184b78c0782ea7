"""A small token folder in the format that tokenization writes, and a checkpoint shelf."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from pipeline.tokens.special_tokens import NAMES, all_names, frame
from pipeline.tokens.tokenizer_folder import save_trained

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SENTINELS = 8
SPECIALS = all_names(SENTINELS)
VOCABULARY = 64
FIRST = len(SPECIALS)


def write_stream(place: Path, documents: list[list[int]], dtype: type = np.uint16) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    np.array([token for document in documents for token in document], dtype=dtype).tofile(place.with_name(place.name + ".bin"))
    np.cumsum([0, *map(len, documents)]).astype(np.int64).tofile(place.with_name(place.name + ".idx"))


def write_tokens(folder: Path, seed: int = 0, pairs: int = 60, longest: int = 24) -> Path:
    """Documents and pairs made of random ids; the target is the second and first token of the source. Every other
    token of it has a tag, which follows from the token.

    Train sources have at most ``longest`` - 1 tokens, validation sources at most 23.
    """
    words = {word: number for number, word in enumerate([*SPECIALS, *(f"w{number}" for number in range(FIRST, VOCABULARY))])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = frame({name: words[name] for name in NAMES.values()})
    save_trained(tokenizer, folder / "tokenizer")
    random = np.random.default_rng(seed)
    for split, count, limit in (("train", pairs, longest), ("validation", 12, 24)):
        texts = [random.integers(FIRST, VOCABULARY, random.integers(3, limit)).tolist() for _ in range(count)]
        write_stream(folder / "streams" / split, [[2, *text, *text, 1] for text in texts])
        write_stream(folder / "examples" / f"{split}-source", texts)
        write_stream(folder / "examples" / f"{split}-target", [[text[1], text[0], 1] for text in texts])
        write_stream(folder / "examples" / f"{split}-text", texts)
        write_stream(folder / "examples" / f"{split}-first", texts)
        write_stream(folder / "examples" / f"{split}-second", [text[:2] for text in texts])
        write_stream(folder / "examples" / f"{split}-answer", [[text[0] % 3] for text in texts], np.int32)
        places = [list(range(0, len(text), 2)) for text in texts]
        write_stream(folder / "examples" / f"{split}-places", places, np.int32)
        tags = [[text[place] % 3 for place in first] for text, first in zip(texts, places, strict=True)]
        write_stream(folder / "examples" / f"{split}-tags", tags, np.int32)
    (folder / "examples" / "labels.json").write_text(json.dumps(["B-X", "I-X", "O"]))
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Two threads that share a busy core wait for each other at every tiny operation: 100 times slower than one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small token folder."""
    return write_tokens(tmp_path_factory.mktemp("tokens"))


class Shelf:
    """Checkpoints in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[int] = []

    def newest(self) -> Path | None:
        return self.folder / str(self.steps[-1]) if self.steps else None

    def save(self, step: int, folder: Path) -> None:
        shutil.copytree(folder, self.folder / str(step))
        self.steps.append(step)


class Listener:
    """A reporter that remembers, asks to stop before given steps, and may die after others as if by kill -9."""

    def __init__(self, stop_after: int | None = None, die_after: int | None = None) -> None:
        self.stop_after, self.die_after, self.boundaries = stop_after, die_after, 0
        self.seen: list[tuple[int, dict[str, float]]] = []
        self.beats = 0

    def progress(self, done: float, total: float, unit: str, **figures: float) -> None:
        """Say nothing."""

    def metrics(self, step: int, values: dict[str, float]) -> None:
        self.seen.append((step, dict(values)))

    def beat(self) -> None:
        self.beats += 1

    def stopping(self) -> bool:
        self.boundaries += 1
        if self.die_after is not None and self.boundaries > self.die_after:
            raise KeyboardInterrupt  # nothing in the loop may catch it, as nothing catches a kill
        return self.stop_after is not None and self.boundaries > self.stop_after


@pytest.fixture(scope="session")
def make_tokens() -> Callable[..., Path]:
    """Writes a token folder of one's own."""
    return write_tokens


@pytest.fixture(scope="session")
def make_shelf() -> type[Shelf]:
    """Makes an empty shelf of checkpoints in a folder."""
    return Shelf


@pytest.fixture(scope="session")
def make_listener() -> type[Listener]:
    """Makes a reporter that remembers and interrupts."""
    return Listener
