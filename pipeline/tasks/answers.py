"""Answers that are no free text: labels and numbers, and what becomes of a record whose answer is neither."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from pipeline.corpus.documents import Quarantined
from pipeline.corpus.normalise import clean_line
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.corpus.documents import Record

KINDS = {list: "a list", dict: "an object", float: "a number with a fraction", bool: "true or false", str: "text", int: "an integer"}
INTEGER = re.compile(r"-?[0-9]{1,18}")


def label(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One label: text on one line; integers and booleans as JSON writes them.

    Raises:
        BadInput: the value is no label.
    """
    if isinstance(value, bool | int):
        return json.dumps(value)
    if not isinstance(value, str):
        hint = "task.answer: labels is for lists" if isinstance(value, list) else "task.answer: number is for numbers"
        raise BadInput(f"the label is {KINDS.get(type(value), 'null')}, not text, an integer or a boolean", "", hint)
    found = clean_line(value)
    if not found:
        raise BadInput("the label is empty")
    return found


def labels(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """The different labels of a list, sorted; a text or an integer is one label and is never cut into several.

    Raises:
        BadInput: the value, or one of the list, is no label.
    """
    return sorted({label(item) for item in value}) if isinstance(value, list) else [label(value)]


def number(value: Any) -> float:  # noqa: ANN401 - any JSON value
    """A finite number; CSV files hold it as text.

    Raises:
        BadInput: the value is no number, infinite or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadInput(f"the number is {KINDS.get(type(value), 'null')}")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise BadInput("the number is text, or too large") from None
    if not math.isfinite(found):
        raise BadInput("the number is infinite or NaN")
    return found + 0.0  # -0.0 becomes 0.0


def quarantined(record: Record, error: BadInput) -> Quarantined:
    """The record with the reason why its target is no answer."""
    reason = f"{error.got} ({error.fix})" if error.fix else error.got
    return Quarantined(reason, record.where, json.dumps(record.target, ensure_ascii=False))


def order(label: str) -> tuple[bool, int, str]:
    """Sort key of labels: integers by value, before words in the order of their characters."""
    integer = bool(INTEGER.fullmatch(label))
    return not integer, int(label) if integer else 0, label
