"""Hides private data (`pipeline.privacy`), or drops the texts that hold some; the corpus counts it by kind, and holds no value.

With this block, no excerpt of a quarantined record is kept, examples of cleaning are hidden first, and a label that holds private data filters its
document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Block, Candidate, Changed, Changer, Judge, Stage, Verdict
from pipeline.privacy.find import find
from pipeline.privacy.hide import Hider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Kind = Literal["token", "email", "iban", "card", "national_id", "ip", "phone"]
"""The kinds of `pipeline.privacy.find`."""

KINDS: tuple[Kind, ...] = ("token", "email", "iban", "card", "national_id", "ip", "phone")


class Private(Block):
    """Hide e-mail, phone, card and bank numbers, national ids, IP addresses, keys and tokens. Counts ``private_<kind>``."""

    kind: Literal["private"]

    action: Literal["mask", "replace", "drop"] = "mask"
    """``mask``: ``<email>``; ``replace``: ``<email-417>``, the same for the same value; ``drop``: filter the text as ``private``."""

    kinds: tuple[Kind, ...] = Field(KINDS, min_length=1)
    """What is hidden."""

    salt: str | None = Field(None, min_length=8)
    """``replace`` only: decides which stand-in a value gets. It is no secret: a stand-in stands for so many values that none can be found from it."""

    phone_regions: tuple[str, ...] | None = Field(None, min_length=1)
    """Countries, e.g. ``[DE, US]``, whose phone numbers are found in all their national forms. Slow: measured in docs/measurements.md. None: numbers
    with a country code, usual forms, and those behind a word such as ``tel``."""

    served: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("phonenumberslite", "python-stdnum")

    @property
    def stage(self) -> Stage:
        """After normalisation; dropping is a filter."""
        return "filter" if self.action == "drop" else "change"

    def problem(self) -> tuple[str, str, str] | None:
        """A salt without use, none where one is needed, or an unknown country."""
        if (self.action == "replace") != (self.salt is not None):
            got = "action: replace without salt" if self.salt is None else f"salt with action: {self.action}"
            return got, "a salt of 8 characters or more for action: replace, and for no other", "change one of them"
        if self.phone_regions and "phone" not in self.kinds:
            return "phone_regions, but kinds has no phone", "", "remove phone_regions, or add phone"
        for region in self.phone_regions or ():
            if not (len(region) == 2 and region.isalpha() and region.isupper()):
                return f"phone_regions names {region!r}", "codes of ISO 3166, e.g. DE or US", "correct phone_regions"
        return None

    def start(self, home: Path) -> Changer | Judge:  # noqa: ARG002 - a Block's signature
        """Nothing to load: the rules of countries are imported where a number is found."""
        if self.action == "drop":
            return _Judge(self)
        return _Changer(Hider(self.kinds, self.phone_regions or (), self.salt))

    def hider(self) -> Changer:
        """Hides in what is shown, whatever happens to the texts."""
        return _Changer(Hider(self.kinds, self.phone_regions or ()))


class _Changer:
    def __init__(self, hider: Hider) -> None:
        self._hider = hider

    def change(self, text: str) -> Changed:
        """The text with stand-ins."""
        found, counts = self._hider.hide(text)
        return Changed(found, _named(counts))

    def change_tokens(self, tokens: Sequence[str]) -> tuple[list[str], Mapping[str, int]]:
        """The tokens with stand-ins."""
        found, counts = self._hider.hide_tokens(tokens)
        return found, _named(counts)


class _Judge:
    def __init__(self, section: Private) -> None:
        self.section = section

    def judge(self, found: Candidate) -> Verdict:
        """Filter a record with private data in any of its texts."""
        counts: dict[str, int] = {}
        for text in (found.text, *found.others):
            for place in find(text, self.section.kinds, self.section.phone_regions or ()):
                counts[place.kind] = counts.get(place.kind, 0) + 1
        return Verdict("private" if counts else None, _named(counts))


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    return {f"private_{kind}": times for kind, times in counts.items()}
