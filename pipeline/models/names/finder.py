"""A token classification model that finds spans in texts.

What is found depends on the texts of a call and on their order, which decide the batches, up to rounding: the last bits of a probability differ between
batches, processors and versions of torch. The caller makes calls that depend on its data alone.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from pipeline.errors import BadInput, Preempted
from pipeline.families.base_facts import facts_of
from pipeline.families.kinds import Head, Kind
from pipeline.families.span_classes import BEGINNINGS, label_of
from pipeline.models.adapters import is_adapter
from pipeline.models.batch import Batch
from pipeline.models.build import HeadSpec, from_weights, read_config
from pipeline.models.collate import pad
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.models.files import INFO, TOKENIZER, answering, read_info
from pipeline.models.names.sections import Pieces, Section, Window, pieces_of, sections, windows
from pipeline.models.names.words import NameWord, Scores, join, name_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tokenizers import Tokenizer
    from transformers import PretrainedConfig

    from pipeline.models.text_model import TextModel
    from pipeline.reporter import Reporter

LONGEST = 512
"""Tokens of a window, at most: attention over longer ones costs more for each token."""

SHORTEST = 16
"""Tokens below which no model is used: a window has to hold more than the special tokens."""

BATCH_TOKENS = 8192
"""Tokens of a batch, padding included."""

PIECES_AT_ONCE = 1 << 18
"""Pieces of sections that are held at once."""

LARGEST_LIMIT = 1 << 20
"""transformers' ``model_max_length`` of a tokenizer without a limit is above it."""


class _Part(NamedTuple):
    """A section of one of the texts."""

    text: int
    section: Section
    pieces: Pieces


class NameFinder:
    """A model in one process."""

    def __init__(self, folder: Path) -> None:
        """Load it, on the CPU.

        Args:
            folder: an ordinary transformers folder, or one that this project saved.

        Raises:
            BadInput: it holds no such model, or no fast tokenizer.
        """
        config = read_config(folder)
        self.labels = tuple(str(config.id2label[number]) for number in sorted(config.id2label))
        if not (folder / TOKENIZER).is_file():
            raise BadInput(f"no {TOKENIZER} in the model of names", "a fast tokenizer", "save the model with its fast tokenizer")
        self._tokenizer = load_content_tokenizer(folder)
        self._model = answering(_load(folder, config, self.labels), "cpu")
        self._prefix, self._suffix = _frame(self._tokenizer, self._model.kind)
        self._pad = config.pad_token_id if isinstance(config.pad_token_id, int) else 0
        self.window = _context(folder, config, self._model)
        """Tokens of a window."""
        self._room = self.window - len(self._prefix) - len(self._suffix)

    @property
    def weights(self) -> int:
        """How many numbers the model has learned."""
        return sum(weight.numel() for weight in self._model.parameters())

    def find(
        self, texts: Sequence[str], labels: Sequence[str], min_score: float, reporter: Reporter | None = None
    ) -> list[list[tuple[int, int]]]:
        """Start and end of the spans in each text, in its order; one thread works.

        Args:
            texts: any texts, of any length.
            labels: classes of the spans, without ``B-`` and ``I-``.
            min_score: smallest probability, of these classes together, with which a word is in a span.
            reporter: gets a heartbeat for each batch, and may ask to stop.

        Raises:
            Preempted: asked to stop.
        """
        words: list[list[NameWord]] = [[] for _ in texts]
        chosen = [number for number, name in enumerate(self.labels) if label_of(name) in labels]
        starts = [number for number in chosen if self.labels[number].startswith(BEGINNINGS)]
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            for parts in self._parts(texts):
                for part, scores in zip(parts, self._scores(parts, chosen, starts, reporter), strict=True):
                    words[part.text] += name_words(texts[part.text], part.section, part.pieces, scores, min_score)
        finally:
            torch.set_num_threads(threads)
        return [join(text, found) for text, found in zip(texts, words, strict=True)]

    def _parts(self, texts: Sequence[str]) -> Iterator[list[_Part]]:
        """The sections of all texts, some at a time."""
        held: list[_Part] = []
        count = 0
        for number, text in enumerate(texts):
            for section in sections(text):
                held.append(_Part(number, section, pieces_of(text, section, self._tokenizer)))
                count += len(held[-1].pieces.ids)
                if count >= PIECES_AT_ONCE:
                    yield held
                    held, count = [], 0
        yield held

    def _scores(self, parts: Sequence[_Part], chosen: Sequence[int], starts: Sequence[int], reporter: Reporter | None) -> list[Scores]:
        """What the model says of the pieces of each section; windows of like lengths are read together."""
        found = [Scores(np.zeros(len(part.pieces.ids), np.float32), np.zeros(len(part.pieces.ids), bool)) for part in parts]
        every = [(number, window) for number, part in enumerate(parts) for window in windows(len(part.pieces.ids), self._room)]
        every.sort(key=lambda each: each[1].end - each[1].start)  # stable: the order of the texts decides between equal lengths
        for batch in self._batches(every):
            if reporter:
                reporter.beat()
                if reporter.stopping():
                    raise Preempted("stopped on request while looking for names", "", "run it again")
            rows = [[*self._prefix, *parts[number].pieces.ids[window.start : window.end], *self._suffix] for number, window in batch]
            for (number, window), chances_LK in zip(batch, self._chances(rows), strict=True):
                kept = slice(window.kept_from, window.kept_to)
                before = len(self._prefix) + window.kept_from - window.start
                own_LK = chances_LK[before : before + window.kept_to - window.kept_from]
                found[number].name[kept] = name_L = own_LK[:, chosen].sum(axis=1)
                found[number].begins[kept] = 2 * own_LK[:, starts].sum(axis=1) > name_L
        return found

    def _batches(self, every: Sequence[tuple[int, Window]]) -> Iterator[list[tuple[int, Window]]]:
        """Windows, shortest first, as many as fit."""
        batch: list[tuple[int, Window]] = []
        for number, window in every:
            length = window.end - window.start + len(self._prefix) + len(self._suffix)
            if batch and length * (len(batch) + 1) > BATCH_TOKENS:
                yield batch
                batch = []
            batch.append((number, window))
        if batch:
            yield batch

    @torch.inference_mode()
    def _chances(self, rows: Sequence[Sequence[int]]) -> Any:  # noqa: ANN401 - float32 [rows, tokens, classes]
        ids_BL, mask_BL = pad(rows, self._pad)
        logits_BLK = self._model(Batch({"input_ids": ids_BL, "attention_mask": mask_BL}, ids_BL)).logits
        return logits_BLK.float().softmax(dim=-1).numpy()


@lru_cache(maxsize=1)
def finder_of(folder: Path) -> NameFinder:
    """The finder of a folder, loaded once a process."""
    return NameFinder(folder)


def _load(folder: Path, config: PretrainedConfig, labels: tuple[str, ...]) -> TextModel:
    """The model; one whose head is not in the folder is refused, since its head would be random."""
    fix = "fetch or save the model again"
    try:
        model = from_weights(folder, HeadSpec(Head.TOKEN_CLASSIFICATION, labels), dropout=0.0, seed=0)
        held = {name for place in sorted(folder.glob("*.safetensors")) for name in _names(place)}
    except (SafetensorError, RuntimeError, OSError, KeyError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise BadInput(f"the weights of the model of names cannot be read: {said}", "", fix) from error
    base = f"{model.core.base_model_prefix}."
    missing = sorted(name for name in model.core.state_dict() if not name.startswith(base) and name not in held)
    if missing and not is_adapter(folder):
        got = f"the model of names ({config.model_type}) has no head that classifies tokens: {missing[0]} is missing"
        raise BadInput(got, "weights of a token classification model", "name another model")
    return model


def _names(place: Path) -> list[str]:
    with safe_open(place, "pt") as file:
        return list(file.keys())


def _frame(tokenizer: Tokenizer, kind: Kind) -> tuple[list[int], list[int]]:
    """Special tokens before and after a text; a decoder reads none after it, as the task ``tagging`` trains it."""
    encoded = tokenizer.encode("a", add_special_tokens=True)
    own = [place for place, special in enumerate(encoded.special_tokens_mask) if not special]
    first, last = (own[0], own[-1] + 1) if own else (len(encoded.ids), len(encoded.ids))
    return encoded.ids[:first], [] if kind is Kind.DECODER else encoded.ids[last:]


def _context(folder: Path, config: PretrainedConfig, model: TextModel) -> int:
    """Tokens of the longest window: what the model has positions for, what its tokenizer says, and what the task trained it with."""
    limits = [LONGEST]
    facts = facts_of(config.to_dict())
    if facts and facts.positions:
        embeddings = getattr(getattr(model.core.base_model, "embeddings", None), "position_embeddings", None)
        unused = getattr(embeddings, "padding_idx", None)  # RoBERTa counts positions from behind that of padding
        limits.append(facts.positions - (0 if unused is None else unused + 1))
    place = folder / "tokenizer_config.json"
    said = json.loads(place.read_bytes()).get("model_max_length") if place.is_file() else None
    if isinstance(said, int) and 0 < said < LARGEST_LIMIT:
        limits.append(said)
    if (folder / INFO).is_file():
        info = read_info(folder)
        limits += [info.context, *([info.task["max_tokens"]] if info.task and "max_tokens" in info.task else [])]
    if min(limits) < SHORTEST:
        raise BadInput(f"the model of names reads {min(limits)} tokens", f"at least {SHORTEST}", "name another model")
    return min(limits)
