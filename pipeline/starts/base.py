"""What a kind of start must do, and which files of a model's folder are weights or belong to them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import BadInput, Preempted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.reporter import Reporter
    from pipeline.sources.base import Pin

FIELD = "model.start"
GGUF, SAFETENSORS = ".gguf", ".safetensors"

WANTED = (
    "config.json",
    "generation_config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
)
"""Names of the files that are read beside one another. None of them can run code. A GGUF file holds everything and is read alone."""

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack", "*.onnx")
"""Names of weights in a form that can run code when it is read, or that this project does not read."""

PIECE_BYTES = 16 << 20
"""Bytes that are copied between two reports."""


class StartKind(Protocol):
    """One kind of address, made from a `Start` and the settings."""

    def pin(self) -> Pin:
        """The revision of what is at the address now.

        Raises:
            BadInput: nothing of that kind is there.
            Unavailable: its server is unreachable.
        """

    def fetch(self, pin: Pin, folder: Path, reporter: Reporter) -> Path:
        """Bring the pinned files to ``folder`` and verify them; return the folder below which they are.

        Raises:
            BadInput: they are not the pinned ones.
            Unavailable: they changed since, or their server is unreachable.
            Preempted: asked to stop.
        """


def choose_files(names: Iterable[str], address: str) -> list[str]:
    """The files of a model among those of one folder, sorted: safetensors and what belongs to them, or one GGUF file.

    Args:
        names: names of the folder's files.
        address: where the folder is, for messages.

    Raises:
        BadInput: no weights, weights in another form only, or several GGUF files.
    """
    inside = sorted(names)
    if any(name.endswith(SAFETENSORS) for name in inside):
        return [name for name in inside if _matches(name, WANTED)]
    single = [name for name in inside if name.endswith(GGUF)]
    if len(single) == 1:
        return single
    if single:
        raise BadInput(f"{FIELD}: {address} has several GGUF files: {', '.join(single[:5])}", "one", "name one of them in model.start")
    pickled = next((name for name in inside if _matches(name, PICKLED)), None)
    if pickled:
        got = f"{FIELD}: {address} has its weights in {pickled}, a form that can run code or is not read here"
        raise BadInput(got, "safetensors or GGUF", "save the model with save_pretrained, which writes safetensors")
    raise BadInput(f"{FIELD}: no weights in {address}", "config.json with *.safetensors, or one .gguf file", "correct model.start")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def report_or_stop(reporter: Reporter, done: int, total: int) -> None:
    """Report how much is fetched, in megabytes.

    Raises:
        Preempted: asked to stop.
    """
    reporter.progress(round(done / 1e6, 1), round(total / 1e6, 1), "megabytes fetched")
    if reporter.stopping():
        raise Preempted("stopped on request while fetching weights", "", "run it again")
