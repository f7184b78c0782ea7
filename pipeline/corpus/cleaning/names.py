"""Hides names of people that a model finds, or drops the texts that hold some; the corpus counts them, and holds none that was found.

The model gives each word a class (`pipeline.models.names`). It is an input of the step, pinned like the base of a training. Excerpts are hidden first: what the
model finds in them, and what it found in the rest of the record.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Block, Candidate, Changed, Changer, Judge, LooksAhead, Stage, Verdict
from pipeline.errors import BadInput, unknown_name
from pipeline.families.span_classes import OUTSIDE, label_of, marks_spans
from pipeline.lookup import load_object
from pipeline.privacy.find import Found
from pipeline.privacy.hide import hide_in_tokens, hide_places, stand_in
from pipeline.recipe.start import address_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.reporter import Reporter

KIND, COUNT = "name", "private_name"
"""Of stand-ins, and of what the corpus counts; documents are filtered as ``private_name`` too."""

FINDER = "pipeline.models.names.finder:finder_of"
"""Imports torch, so by its place."""

STAND_IN = re.compile(r"<[a-z_]+(?:-\d{1,3})?>")
"""What stands where something was hidden; no name."""

SHORTEST = 2
"""Characters of a name that is looked for in excerpts of the record where it was found."""


class Names(Block):
    """Hide names of people that a model finds. Counts ``private_name``."""

    kind: Literal["names"]

    model: str
    """The model, a token classification model of transformers: an address as in ``model.start``, e.g. ``models:/tagger@champion`` or ``hub:name@revision``."""

    labels: tuple[str, ...] = Field(("PER",), min_length=1)
    """Its classes that are names, without ``B-`` and ``I-``."""

    min_score: float = Field(0.5, gt=0, lt=1)
    """Smallest probability, of all these classes together, with which a word is a part of a name. Lower: more names are found, and more words that are none."""

    action: Literal["mask", "replace", "drop"] = "mask"
    """``mask``: ``<name>``; ``replace``: ``<name-417>``, the same for the same name; ``drop``: filter the text as ``private_name``."""

    salt: str | None = Field(None, min_length=8)
    """``replace`` only: decides which stand-in a name gets."""

    everywhere: ClassVar[bool] = True
    elsewhere: ClassVar[frozenset[str]] = frozenset({"model"})

    @property
    def stage(self) -> Stage:
        """After normalisation; dropping is a filter."""
        return "filter" if self.action == "drop" else "change"

    @property
    def given_model(self) -> str:
        """The model."""
        return self.model

    def problem(self) -> tuple[str, str, str] | None:
        """An address that is none, or a salt without use, or none where one is needed."""
        wanted = address_problem(self.model)
        if wanted:
            return f"model {self.model!r}", wanted, "correct model"
        if (self.action == "replace") != (self.salt is not None):
            got = "action: replace without salt" if self.salt is None else f"salt with action: {self.action}"
            return got, "a salt of 8 characters or more for action: replace, and for no other", "change one of them"
        return None

    def check_classes(self, classes: Sequence[str]) -> None:
        """Refuse a model that has none of the labels, or lacks one of them."""
        known = {label_of(name) for name in classes} - {OUTSIDE}
        where = f"data.cleaning (names): the model {self.model}"
        if not any(map(marks_spans, classes)):
            found = f"the classes {', '.join(sorted(known)[:5])}" if known else "no classes of words"
            raise BadInput(f"{where} has {found}", "a model for token classification, with classes such as B-PER", "correct model")
        for label in self.labels:
            if label not in known:
                raise unknown_name(f"label in {where}:", label, known)

    def start(self, home: Path) -> Changer | Judge:  # noqa: ARG002 - a Block's signature
        """Refuse: it needs its model."""
        raise BadInput("data.cleaning (names) without its model", "a step that has it as its input", "give the step its input names")

    def start_with(self, home: Path, model: Path | None) -> Changer | Judge:
        """Load the model, once a process."""
        if model is None:
            return self.start(home)
        finder = load_object(FINDER)(model)
        self.check_classes(finder.labels)
        return _Judge(self, finder) if self.action == "drop" else _Changer(self, finder)


class _Search(LooksAhead):
    """Where names are in texts: known of those that were looked at together, else asked."""

    def __init__(self, section: Names, finder: Any) -> None:  # noqa: ANN401 - a NameFinder, whose module imports torch
        self._section, self._finder = section, finder
        self._known: dict[str, list[Found]] = {}
        self._waiting: dict[str, None] | None = None
        self._gathered: dict[str, None] = {}
        self._in_record: set[str] = set()

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Keep texts, each once."""
        self._waiting = self._gathered
        try:
            yield
        finally:
            self._waiting = None

    @property
    def waiting(self) -> int:
        """Characters of the texts that are kept."""
        return sum(map(len, self._gathered))

    def look(self, reporter: Reporter) -> None:
        """Find the names in the texts."""
        texts, self._gathered = list(self._gathered), {}
        self._known = dict(zip(texts, self._find(texts, reporter), strict=True))

    def next_record(self) -> None:
        """Forget the names of the record before."""
        self._in_record = set()

    def hide(self, text: str) -> str:
        """With ``<name>`` for each name that is found in it, or was found in the record."""
        text = hide_places(text, self.places(text), _mask)
        names = sorted((name for name in self._in_record if len(name) >= SHORTEST), key=lambda name: (-len(name), name))
        pattern = "|".join(map(re.escape, names))
        return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", f"<{KIND}>", text) if names else text

    def places(self, text: str) -> list[Found]:
        """The names in a text, in its order; none while texts are gathered."""
        if self._waiting is not None:
            self._waiting[text] = None
            return []
        if text not in self._known:
            self._known[text] = self._find([text])[0]
        found = self._known[text]
        self._in_record.update(text[place.start : place.end] for place in found)
        return found

    def _find(self, texts: list[str], reporter: Reporter | None = None) -> list[list[Found]]:
        spans = self._finder.find(texts, self._section.labels, self._section.min_score, reporter)
        return [_without_stand_ins(text, found) for text, found in zip(texts, spans, strict=True)]

    def put(self, kind: str, value: str) -> str:
        """The stand-in of a name."""
        salt = self._section.salt
        return _mask(kind, value) if salt is None else stand_in(kind, value, salt)


class _Changer(_Search):
    def change(self, text: str) -> Changed:
        """The text with stand-ins."""
        places = self.places(text)
        return Changed(hide_places(text, places, self.put), _counts(places)) if places else Changed(text)

    def change_tokens(self, tokens: Sequence[str]) -> tuple[list[str], Mapping[str, int]]:
        """The tokens with stand-ins; the model reads them with a blank after each."""
        places = self.places(" ".join(tokens))
        return hide_in_tokens(tokens, places, self.put), _counts(places)


class _Judge(_Search):
    def judge(self, found: Candidate) -> Verdict:
        """Filter a record with a name in any of its texts."""
        places = [place for text in (found.text, *found.others) for place in self.places(text)]
        return Verdict(COUNT if places else None, _counts(places))


def _mask(kind: str, value: str) -> str:  # noqa: ARG001 - as `stand_in`
    return f"<{kind}>"


def _counts(places: Sequence[Found]) -> dict[str, int]:
    return {COUNT: len(places)} if places else {}


def _without_stand_ins(text: str, spans: Sequence[tuple[int, int]]) -> list[Found]:
    """The spans as places of names, without what stands where something was hidden."""
    found = []
    for start, end in spans:
        # a mark before or after a word of a stand-in is outside of the span
        around = [
            each
            for each in STAND_IN.finditer(text, max(start - 40, 0), min(end + 40, len(text)))
            if each.end() > start and each.start() < end
        ]
        place = start
        for each in around:
            if each.start() > place:
                found.append(Found(place, each.start(), KIND))
            place = each.end()
        if place < end:
            found.append(Found(place, end, KIND))
    return [one for one in found if any(map(str.isalnum, text[one.start : one.end]))]
