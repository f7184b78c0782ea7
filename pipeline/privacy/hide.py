"""Texts with stand-ins for private data."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.privacy.find import KINDS, find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.privacy.find import Found

STAND_INS = 1000
"""Different stand-ins of a kind. So few that many values share one: whoever knows the salt and tries all phone numbers is left with
millions that fit each stand-in."""

PASSES = 3
"""What is hidden may have kept a neighbour from being found; a second pass finds it."""


class Hider:
    """Hides private data, and counts it by kind."""

    def __init__(self, kinds: Sequence[str] = KINDS, regions: Sequence[str] = (), salt: str | None = None) -> None:
        """Take what to look for.

        Args:
            kinds: names from `KINDS`.
            regions: countries whose phone numbers are found in all their national forms.
            salt: None puts ``<email>`` in the place of each address; else ``<email-417>``, the same for the same value.
        """
        self.kinds, self.regions = tuple(kinds), tuple(regions)
        self._stand_in: Callable[[str, str], str] = (
            (lambda kind, _: f"<{kind}>") if salt is None else (lambda kind, value: stand_in(kind, value, salt))
        )

    def hide(self, text: str) -> tuple[str, Mapping[str, int]]:
        """The text with stand-ins, and how many by kind. Hidden text stays as it is."""
        counts: Counter[str] = Counter()
        for _ in range(PASSES):
            places = find(text, self.kinds, self.regions)
            if not places:
                break
            text = hide_places(text, places, self._stand_in)
            counts.update(place.kind for place in places)
        return text, counts

    def hide_tokens(self, tokens: Sequence[str]) -> tuple[list[str], Mapping[str, int]]:
        """As many tokens, with a stand-in for each token that has a part of private data; a phone number may take several tokens."""
        places = find(" ".join(tokens), self.kinds, self.regions)
        return hide_in_tokens(tokens, places, self._stand_in), Counter(place.kind for place in places)


def hide_places(text: str, places: Iterable[Found], put: Callable[[str, str], str]) -> str:
    """A text with stand-ins in some places.

    Args:
        text: any text.
        places: in its order; they do not overlap.
        put: gives the stand-in of a kind and a value.
    """
    parts, end = [], 0
    for place in places:
        parts += [text[end : place.start], put(place.kind, text[place.start : place.end])]
        end = place.end
    return "".join((*parts, text[end:]))


def hide_in_tokens(tokens: Sequence[str], places: Iterable[Found], put: Callable[[str, str], str]) -> list[str]:
    """As many tokens, with a stand-in for each that is in one of the places; these count in the tokens with a blank after each."""
    ends, found = [], list(tokens)
    place = 0
    for token in tokens:
        ends.append(place + len(token))
        place += len(token) + 1
    for start, end, kind in places:
        number = bisect(ends, start)
        while number < len(ends) and ends[number] - len(tokens[number]) < end:
            found[number] = put(kind, tokens[number])
            number += 1
    return found


def stand_in(kind: str, value: str, salt: str) -> str:
    """The stand-in of a value: one of `STAND_INS` of its kind; blanks, marks and case of the value make no difference."""
    plain = "".join(filter(str.isalnum, value)).casefold() if kind != "token" else value
    digest = hashlib.sha256(f"{salt}\0{kind}\0{plain}".encode("utf-8", "surrogatepass")).digest()
    return f"<{kind}-{int.from_bytes(digest[:8]) % STAND_INS}>"


def mask(text: str) -> str:
    """The text with ``<email>``, ``<card>`` and so on in the place of everything that is found."""
    return MASK.hide(text)[0]


MASK = Hider()
