"""What a kind of start must do, and which files of a model's folder are weights or belong to them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import BadInput, Preempted
from pipeline.starts.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.families.base_facts import BaseFacts
    from pipeline.reporter import Reporter
    from pipeline.sources.base import Pin
    from pipeline.starts.formats.base import Look, WeightFormat

FIELD = "model.start"

WANTED = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
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
"""Names of the files that are read beside safetensors. None of them can run code."""

ADAPTER = "adapter_config.json"
"""A file of peft that says: these weights change those of another model."""

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

    def look(self) -> Look | None:
        """The names of the files that are at the address now, and the beginning of each; None where they are not within reach.

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
    """The files of a model among those of one folder, sorted: safetensors and what belongs to them, or one file that holds everything.

    Args:
        names: names of the folder's files.
        address: where the folder is, for messages.

    Raises:
        BadInput: no weights, weights in another form only, an adapter without its base, or several files that each hold a model.
    """
    inside = sorted(names)
    kind = format_of(inside)
    if kind is None:
        pickled = next((name for name in inside if _matches(name, PICKLED)), None)
        if pickled:
            got = f"{FIELD}: {address} has its weights in {pickled}, a form that can run code or is not read here"
            raise BadInput(got, "safetensors or GGUF", "save the model with save_pretrained, which writes safetensors")
        raise BadInput(f"{FIELD}: no weights in {address}", "config.json with *.safetensors, or one .gguf file", "correct model.start")
    chosen: WeightFormat = FORMATS.load(kind)
    if not chosen.alone:
        if ADAPTER in inside:
            got = f"{FIELD}: {address} holds an adapter ({ADAPTER})"
            raise BadInput(got, "the weights of a whole model", "merge it into its base: peft's merge_and_unload, then save_pretrained")
        return [name for name in inside if _matches(name, WANTED)]
    found = [name for name in inside if _matches(name, chosen.patterns)]
    if len(found) > 1:
        got = f"{FIELD}: {address} has several {kind.upper()} files: {', '.join(found[:5])}"
        raise BadInput(got, "one", "name one of them in model.start")
    return found


def format_of(names: Iterable[str]) -> str | None:
    """Name of the first format in `FORMATS` that one of the files has; None if none has one."""
    listed = list(names)
    return next((kind for kind in FORMATS if any(_matches(name, FORMATS.load(kind).patterns) for name in listed)), None)


def holds_model(name: str) -> bool:
    """Whether a file with this name holds a whole model."""
    kind = format_of([name])
    return kind is not None and bool(FORMATS.load(kind).alone)


def facts_at(look: Look) -> BaseFacts | None:
    """What the chosen files of a model say about it before they are fetched; None where nothing can be known.

    Raises:
        BadInput: the model cannot be used.
    """
    kind = format_of(look.names)
    if kind is None:
        return None
    chosen: WeightFormat = FORMATS.load(kind)
    return chosen.facts(look)


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
