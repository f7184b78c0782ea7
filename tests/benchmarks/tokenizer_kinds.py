"""How much text a token holds and how fast text is encoded, by kind of tokenizer.

All learn a vocabulary of the same size from the same docstrings of this environment, and encode others. Blanks that WordPiece forgets count as bytes.
"""

from __future__ import annotations

import ast
import hashlib
import statistics
import sysconfig
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.in_turn import interleaved

from pipeline.corpus.normalise import clean_line
from pipeline.recipe import Tokenizer
from pipeline.tokens.encoding import choose_encoder, encoder_named
from pipeline.tokens.train_tokenizer import make_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.tokens.encoding import Encode

MEGABYTES, VOCABULARY = 8, 8000
KINDS = ("bpe", "unigram", "wordpiece")

Row = tuple[str, str, str]


def kind_rows() -> list[Row]:
    """Rows for the table."""
    texts = list(_docstrings(MEGABYTES))
    held_out = [text for text in texts if hashlib.sha256(text.encode()).digest()[0] < 13]
    chosen = set(held_out)
    train = [text for text in texts if text not in chosen]
    size = sum(len(text.encode()) for text in held_out)
    rows: list[Row] = []
    encoders: list[Encode] = []
    for kind in KINDS:
        began = time.process_time()
        made = make_tokenizer(train, Tokenizer.model_validate({"kind": kind, "vocabulary": VOCABULARY, "sentinels": 0}), Path())
        trained = time.process_time() - began
        name = choose_encoder(made, held_out)
        encoders.append(encoder_named(name, made))
        ids = [row for part in encoders[-1](held_out) for row in part.tolist()]
        unknown = ids.count(made.token_to_id("<unk>")) / len(ids)
        rows.append(
            (
                f"{kind}, {made.get_vocab_size():,} tokens, learned from {MEGABYTES} MB; encoded by {name}",
                f"{size / len(ids):.2f} bytes a token; {unknown:.2%} unknown; training {trained:.0f} s of CPU",
                "",
            )
        )
    times = interleaved(*(_cpu(encode, held_out) for encode in encoders), rounds=5)
    for kind, mine in zip(KINDS, times, strict=True):
        ratio = statistics.median(other / own for other, own in zip(times[0], mine, strict=True))
        rows.append((f"{kind}, encoding", f"{size / 1e6 / statistics.median(mine):.1f} MB/s of CPU; {ratio:.2f} x the speed of bpe", ""))
    return rows


def _cpu(encode: Encode, texts: list[str]) -> Callable[[], float]:
    def run() -> float:
        began = time.process_time()
        encode(texts)
        return time.process_time() - began

    return run


def _docstrings(megabytes: float) -> Iterator[str]:
    """Different docstrings of at least 60 characters, as ingestion cleans them."""
    seen: set[str] = set()
    size = 0
    warnings.simplefilter("ignore", SyntaxWarning)
    for place in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py"), key=lambda path: hashlib.sha256(path.name.encode()).digest()):
        try:
            tree = ast.parse(place.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = clean_line(ast.get_docstring(node) or "")
                if len(text) >= 60 and text not in seen:
                    seen.add(text)
                    size += len(text.encode())
                    yield text
        if size >= megabytes * 1e6:
            return
