"""Numbers by which states know people: identity, tax and social insurance.

Each has a form, and most have check digits, which python-stdnum knows. A number of a form without blanks or marks that has only one check digit is
taken for one in ten of all numbers of its length; texts rarely hold numbers of 11, 13 or 18 digits that are anything else.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMS = {
    "us.ssn": r"\d{3}-\d{2}-\d{4}",
    "fr.nir": r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}",
    "es.dni": r"\d{8}-?[A-Z]",
    "es.nie": r"[XYZ]-?\d{7}-?[A-Z]",
    "it.codicefiscale": r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]",
    "mx.curp": r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d",
    "br.cpf": r"\d{3}\.\d{3}\.\d{3}-\d{2}",
    "be.nn": r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}",
    "ch.ssn": r"756\.\d{4}\.\d{4}\.\d{2}",
    "fi.hetu": r"\d{6}[-+A-FYXWVU]\d{3}[0-9A-Z]",
    "se.personnummer": r"(?:\d{2})?\d{6}[-+]\d{4}",
    "dk.cpr": r"\d{6}-\d{4}",
    "kr.rrn": r"\d{6}-\d{7}",
    "ca.sin": r"\d{3}[ -]\d{3}[ -]\d{3}",
    "in_.aadhaar": r"\d{4} \d{4} \d{4}",
    "gb.nhs": r"\d{3} \d{3} \d{4}",
    "au.tfn": r"\d{3} \d{3} \d{3}",
    "cn.ric": r"\d{17}[\dX]",
    "ro.cnp": r"[1-8]\d{12}",
    "za.idnr": r"\d{13}",
    "de.idnr": r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
    "pl.pesel": r"\d{11}",
    "no.fodselsnummer": r"\d{6} ?\d{5}",
    "tr.tckimlik": r"[1-9]\d{10}",
}
"""Module of python-stdnum → form."""

NOT_BEFORE, NOT_AFTER = r"(?<![A-Za-z0-9_./-])", r"(?![A-Za-z0-9_-]|\.\d)"
ANY = re.compile(f"{NOT_BEFORE}(?=[0-9A-Z])(?:{'|'.join(FORMS.values())}){NOT_AFTER}")
NINO = re.compile(
    r"(?<![A-Za-z0-9_-])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Za-z0-9_-])"
)
"""The British National Insurance number has no check digit."""
NAMED = re.compile(
    r"(?<![A-Za-z])(?:bsn|nif|hkid|passport|reisepass|passnummer|ausweis\w*|personalausweis\w*|ssn|social security)(?: (?:no|nr|number|nummer))?[.:#]{0,2} {0,2}([A-Z0-9]{7,11})(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
"""Numbers that nothing but the word before them tells."""
CANDIDATE = re.compile(r"\d(?:\d{5}|\d{1,3}[-. ]\d{2,4}[-. ]\d{2}|\d{3} \d{4})")
CAPITALS = re.compile(r"[A-Z][A-Z]{5}\d")
"""Every form has a part like one of these."""
WORDS = ("bsn", "nif", "hkid", "pass", "ausweis", "ssn", "social")


def find_national_ids(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each number."""
    folded = text.lower()
    if any(word in folded for word in WORDS):
        yield from (found.span(1) for found in NAMED.finditer(text) if any(map(str.isdigit, found[1])))
    if not CANDIDATE.search(text) and not CAPITALS.search(text):
        return
    yield from (found.span() for found in NINO.finditer(text))
    place = 0
    while found := ANY.search(text, place):
        valid = _is_valid(found[0])
        if valid:
            yield found.span()
        place = found.end() if valid else found.start() + 1


def _is_valid(number: str) -> bool:
    """Whether it is a number of any country whose form it has."""
    return any(form.fullmatch(number) and _passes(name, number) for name, form in COMPILED.items())


def _passes(name: str, number: str) -> bool:
    try:
        return bool(_module(name).is_valid(number))
    except LookupError:
        return True  # python-stdnum 2.2 fails on places of birth in its own list that it cannot name


COMPILED = {name: re.compile(form) for name, form in FORMS.items()}


@cache
def _module(name: str) -> Any:  # noqa: ANN401 - a module
    """The checks of one kind of number."""
    return import_module(f"stdnum.{name}")
