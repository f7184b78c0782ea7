"""Documents of a benchmark: its texts as they are, whatever task it is for. Nobody learns from them; other texts are compared with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.tasks.inputs_only import InputsOnly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Quarantined, Record


class PlainTexts(InputsOnly):
    """Any record with a text. A list, and in the target also an object, is all texts in it, each on a line."""

    prose = False
    """Words are compared, so no line needs to go."""

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean a record."""
        cleaned = cleaner.clean(record._replace(text="\n".join(_texts(record.text)), target=None))
        target = cleaner.text("\n".join(_texts(record.target)))
        return cleaned.documents(target or None) if isinstance(cleaned, CleanRecord) else cleaned


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """The texts in a value, in order; numbers and the like are none."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, list | dict):
            waiting += reversed(list(each.values()) if isinstance(each, dict) else each)
