"""Objects below a prefix of an S3 bucket, or one GGUF object: each is pinned by its etag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.sources.base import Pin
from pipeline.sources.bucket import S3Object, list_objects, open_object, translated
from pipeline.sources.roots import check_address
from pipeline.starts.base import FIELD, PIECE_BYTES, choose_files, holds_model, report_or_stop
from pipeline.starts.formats.base import Look

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.recipe.start import Start
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings


class BucketStart:
    """Implements `pipeline.starts.base.StartKind`."""

    def __init__(self, start: Start, settings: Settings) -> None:
        self.address, self.settings = start.address.rstrip("/"), settings

    def pin(self) -> Pin:
        """Etags of the objects that are read: those directly below the prefix."""
        return Pin(kind="s3", items=tuple(one.pinned for one in self._found()))

    def look(self) -> Look:
        """The beginning of the objects, read from the server."""
        places = {_name(one.address): one for one in self._found()}

        def read(name: str, limit: int) -> bytes:
            one = places[name]
            with translated(one.address, self.settings):
                data: bytes = open_object(one.address, one.etag, self.settings, one.version).read(limit)
                return data

        return Look(tuple(places), read)

    def _found(self) -> list[S3Object]:
        """The objects that are read.

        Raises:
            BadInput: there are none.
        """
        check_address(self.address, self.settings, FIELD)
        if holds_model(_name(self.address)):
            found = [row for row in list_objects(self.address, self.settings) if row.address == self.address]
        else:
            inside = {row.address: row for row in list_objects(f"{self.address}/", self.settings)}
            names = (name.removeprefix(f"{self.address}/") for name in inside)
            found = [inside[f"{self.address}/{name}"] for name in choose_files((name for name in names if "/" not in name), self.address)]
        if not found:
            raise BadInput(f"{FIELD}: no object {self.address}", "", "correct model.start")
        return found

    def fetch(self, pin: Pin, folder: Path, reporter: Reporter) -> Path:
        """Download the objects; the server refuses one whose etag has changed."""
        done, total = 0, sum(item.size for item in pin.items)
        for item in pin.items:
            with translated(item.name, self.settings), (folder / _name(item.name)).open("wb") as file:
                body = open_object(item.name, item.revision.removeprefix("etag:"), self.settings, item.version)
                while piece := body.read(PIECE_BYTES):
                    file.write(piece)
                    done += len(piece)
                    report_or_stop(reporter, done, total)
        return folder


def _name(address: str) -> str:
    return address.rpartition("/")[2]
