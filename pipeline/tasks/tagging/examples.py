"""Examples of tagging: a list of tokens, and a list of as many tags.

The text of a document is its tokens as `pipeline.tasks.tagging.tokens` joins them; its target is a JSON list of tags.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.corpus.keys import input_key
from pipeline.errors import BadInput
from pipeline.tasks import answers
from pipeline.tasks.base import SplitKeys
from pipeline.tasks.classes import Classes, read_labels
from pipeline.tasks.tagging.tokens import join_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Quarantined, Record
    from pipeline.tasks.tagging.section import Tagging

log = logging.getLogger(__name__)


class Examples:
    """Tokens → tags. The input decides the split."""

    def __init__(self, section: Tagging) -> None:
        """Start with nothing counted.

        Args:
            section: the tags if they are fixed.
        """
        self.classes, self.spans = Classes(section.labels), section.spans
        self.prose = section.prose
        self.strays = 0
        """Tags ``I-x`` that do not follow ``B-x`` or ``I-x``: IOB2 lets no span begin so, other schemes do."""

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Join the tokens and check the tags; a record without tags keeps its text."""
        try:
            tokens = _tokens(record.text)
            target = None if record.target is None else self._tags(record.target, len(tokens))
        except BadInput as error:
            return answers.quarantined(record, error)
        cleaned = cleaner.judged(record, join_tokens(cleaner.tokens(tokens)))
        return cleaned.documents(target) if isinstance(cleaned, CleanRecord) else cleaned

    def split_keys(self, document: Document) -> SplitKeys:
        """The input decides."""
        return SplitKeys(input_key(document))

    def note(self, document: Document) -> str | None:
        """The tags."""
        return document.target

    def add(self, note: str | None, split: str) -> str | None:
        """Count the tags of a document; one with a tag that training does not know is filtered."""
        if note is None:
            return None
        tags = json.loads(note)
        reason = self.classes.add(tags, split)
        if not reason:
            self.strays += _strays(tags)
        return reason

    def finish(self, folder: Path) -> Mapping[str, int]:
        """Check the tags, and write ``labels.json``.

        Returns:
            The counts of `Classes.finish`, and for spans ``stray_tags``.

        Raises:
            BadInput: no tags, one tag only, a tag that occurs once, or no tag that begins a span.
        """
        counts = self.classes.finish(folder)
        if self.spans and not any(tag.startswith("B-") for tag in read_labels(folder)):
            raise BadInput("no tag begins with B-", "spans in IOB2: B-X, I-X, O", "set task.spans: false, or bring the tags into IOB2")
        if not self.spans:
            return counts
        if self.strays:
            log.warning("%d tags I-… do not follow a tag of their kind; in IOB2 a span begins with B-…", self.strays)
        return {**counts, "stray_tags": self.strays}

    def _tags(self, value: Any, tokens: int) -> str:  # noqa: ANN401 - any JSON value
        """The tags as a JSON list.

        Raises:
            BadInput: no list of labels, another number than that of the tokens, or a tag that the section does not list.
        """
        if not isinstance(value, list):
            raise BadInput("the tags are no list")
        tags = [answers.label(tag) for tag in value]
        if len(tags) != tokens:
            raise BadInput("another number of tags than of tokens")
        self.classes.check(tags)
        return json.dumps(tags, ensure_ascii=False)


def _tokens(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list) or not value or not all(isinstance(token, str) for token in value):
        raise BadInput("the tokens are no list of texts")
    return value


def _strays(tags: Sequence[str]) -> int:
    """Number of tags ``I-x`` that do not follow ``B-x`` or ``I-x``."""
    before = ("O", *tags)
    return sum(tag.startswith("I-") and last[2:] != tag[2:] for last, tag in zip(before, tags, strict=False))
