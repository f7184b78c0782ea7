"""A folder of this machine, or one file that holds a model, e.g. GGUF: each file is pinned by its sha256."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.sources.base import Pin
from pipeline.sources.local_files import changed, pin_files
from pipeline.sources.roots import check_file
from pipeline.starts.base import FIELD, PIECE_BYTES, choose_files, holds_model, report_or_stop
from pipeline.starts.formats.base import Look

if TYPE_CHECKING:
    from pipeline.recipe.start import Start
    from pipeline.reporter import Reporter
    from pipeline.settings import Settings


class LocalStart:
    """Implements `pipeline.starts.base.StartKind`."""

    def __init__(self, start: Start, settings: Settings) -> None:
        self.address, self.settings = start.address, settings
        self.place = settings.home / Path(start.address).expanduser()

    def pin(self) -> Pin:
        """Digests of the files that are read."""
        return Pin(kind="folder", items=pin_files(self._found(), self.settings))

    def look(self) -> Look:
        """The files themselves."""
        places = {path.name: path for path in self._found()}

        def read(name: str, limit: int) -> bytes:
            with places[name].open("rb") as file:
                return file.read(limit)

        return Look(tuple(places), read)

    def fetch(self, pin: Pin, folder: Path, reporter: Reporter) -> Path:
        """Copy the files and compare their digests."""
        done, total = 0, sum(item.size for item in pin.items)
        for item in pin.items:
            source, digest = Path(item.name), hashlib.sha256()
            try:
                with source.open("rb") as file, (folder / source.name).open("wb") as copy:
                    while piece := file.read(PIECE_BYTES):
                        digest.update(piece)
                        copy.write(piece)
                        done += len(piece)
                        report_or_stop(reporter, done, total)
            except FileNotFoundError as error:
                raise changed(item.name, "it does not exist here") from error
            if f"sha256:{digest.hexdigest()}" != item.revision:
                raise changed(item.name, "its content is different")
        return folder

    def _found(self) -> list[Path]:
        """The files that are read.

        Raises:
            BadInput: there are none, or they may not be read.
        """
        check_file(self.place, self.settings, FIELD)
        try:
            return self._files()
        except OSError as error:
            raise BadInput(f"{FIELD}: cannot read {error.filename}: {error.strerror}", "", "check its permissions") from error

    def _files(self) -> list[Path]:
        if self.place.is_file():
            if not holds_model(self.place.name):
                raise BadInput(f"{FIELD}: {self.address} is a file", "a folder, or a .gguf file", "name the folder it is in")
            return [self.place]
        if not self.place.is_dir():
            raise BadInput(f"{FIELD}: no folder {self.place}", "a folder with config.json and safetensors", "correct model.start")
        found = [self.place / name for name in choose_files((path.name for path in self.place.iterdir() if path.is_file()), self.address)]
        for path in found:
            check_file(path, self.settings, FIELD)
        return found
