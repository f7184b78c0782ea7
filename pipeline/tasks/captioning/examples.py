"""Examples of captioning: an image, and a text that says what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.corpus.cleaning.records import CleanRecord
from pipeline.corpus.documents import Quarantined
from pipeline.corpus.images import BadImage, square
from pipeline.corpus.keys import input_key
from pipeline.corpus.normalise import clean_line
from pipeline.errors import BadInput
from pipeline.tasks.base import SplitKeys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.corpus.documents import Document, Record
    from pipeline.tasks.captioning.section import Captioning


class Examples:
    """The text of a document is its caption, which is also the target; the model sees the image only.

    An image may have several captions, and is never on both sides of training and test.
    """

    def __init__(self, section: Captioning) -> None:
        """Start with nothing counted.

        Args:
            section: the size of images.
        """
        self.side, self.prose = section.image_size, section.prose
        self.images: set[str] = set()
        self._last: tuple[bytes, bytes] = (b"", b"")
        """The newest image file and its pixels: captions of one image often follow each other."""

    def document(self, record: Record, cleaner: Cleaner) -> list[Document] | Quarantined | str:
        """Clean the caption, and decode the image."""
        cleaned = cleaner.clean(record._replace(pair=None, target=None))
        if not isinstance(cleaned, CleanRecord):
            return cleaned
        try:
            image = self._pixels(_content(record.image))
        except BadImage as error:
            return Quarantined(str(error), record.where)
        return cleaned.documents(clean_line(cleaned.texts[0]), image)

    def split_keys(self, document: Document) -> SplitKeys:
        """The image decides."""
        return SplitKeys(input_key(document), reasons=("known_image", "known_image"))

    def note(self, document: Document) -> str | None:
        """Which image it is."""
        return input_key(document)[:16]

    def add(self, note: str | None, split: str) -> str | None:  # noqa: ARG002 - a TaskExamples' signature
        """Count the images."""
        if note is not None:
            self.images.add(note)
        return None

    def finish(self, folder: Path) -> Mapping[str, int]:  # noqa: ARG002 - a TaskExamples' signature
        """The number of different images.

        Raises:
            BadInput: there is none.
        """
        if not self.images:
            raise BadInput("no record has a usable image and caption", "", "look at the quarantine, and at data.source.columns")
        return {"images": len(self.images)}

    def _pixels(self, content: bytes) -> bytes:
        if self._last[0] != content or not content:
            self._last = content, square(content, self.side)
        return self._last[1]


def _content(value: Any) -> bytes:  # noqa: ANN401 - whatever a column holds
    """The bytes of an image file: those of a column, or inside a struct as `datasets` writes it."""
    if isinstance(value, dict):
        value = value.get("bytes")
    if isinstance(value, bytes):
        return value
    raise BadImage("the image is a path, and its bytes are elsewhere" if isinstance(value, str) else "the field holds no image")
