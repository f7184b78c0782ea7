"""The files of a folder, and those that a glob names: links are followed once, and what is no data is left out and counted.

A folder that is reached twice, through a link or a cycle of links, is read once: under its own path where it has one below the
folder that is searched.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.sources.left_out import BROKEN_LINK, READ_ALREADY, WORKING, is_working
from pipeline.sources.names import shown
from pipeline.sources.roots import fixed_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.sources.left_out import LeftOutCounter


def walk(root: Path, left_out: LeftOutCounter) -> list[Path]:
    """All files below a folder, except working files; in a fixed order.

    Args:
        root: an absolute path.
        left_out: counts what is left out.

    Raises:
        BadInput: a folder cannot be read.
    """
    return _Walk(root, left_out).run()


def find_glob(pattern: Path, left_out: LeftOutCounter) -> list[Path]:
    """The files that a glob names, except working files; ``**`` follows links once.

    A part of the pattern that begins with the sign of working files, e.g. ``_part-*``, asks for them.

    Raises:
        BadInput: a folder cannot be read.
    """
    root = fixed_part(pattern)
    parts = pattern.relative_to(root).parts
    asked = frozenset(part[0] for part in parts)
    if "**" in parts:
        return [place for place in _Walk(root, left_out, asked).run() if matches(place.relative_to(root).parts, parts)]
    found = []
    for place in map(Path, sorted(glob(str(pattern)))):  # noqa: PTH207 - Path.glob takes no absolute pattern
        below = place.relative_to(root)
        if place.is_file():
            if any(is_working(part, asked) for part in below.parts):
                left_out.add(WORKING, shown(below))
            else:
                found.append(place)
        elif not place.exists():
            left_out.add(BROKEN_LINK, shown(below))
    return found


def matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path match those of a glob; ``**`` stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(matches(parts[start:], pattern[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and matches(parts[1:], pattern[1:])


class _Walk:
    """One search of a folder."""

    def __init__(self, root: Path, left_out: LeftOutCounter, asked: frozenset[str] = frozenset()) -> None:
        self.root, self.left_out, self.asked = root, left_out, asked
        self.seen: set[tuple[int, int]] = set()
        """Device and inode of each folder that was read."""
        self.files: list[Path] = []
        self.links: list[Path] = []
        """Links to folders, which are followed after all real folders."""

    def run(self) -> list[Path]:
        self._tree(self.root)
        while self.links:
            links, self.links = sorted(self.links), []
            for link in links:
                self._tree(link)
        return self.files

    def _tree(self, top: Path) -> None:
        """Read a folder and the folders in it."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self.seen:
                self.left_out.add(READ_ALREADY, self._shown(folder))
                continue
            self.seen.add((status.st_dev, status.st_ino))
            waiting += reversed(self._folder(folder))

    def _folder(self, folder: Path) -> list[Path]:
        """Note the files and links of one folder; return the folders in it."""
        try:
            with os.scandir(folder) as entries:
                rows = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise BadInput(f"cannot read the folder {shown(folder)}: {error.strerror}", "", "check its permissions") from error
        inside = []
        for row in rows:
            place = folder / row.name
            if is_working(row.name, self.asked):
                self._working(place, folder=row.is_dir(follow_symlinks=False))
            elif row.is_dir(follow_symlinks=False):
                inside.append(place)
            elif row.is_symlink() and place.is_dir():
                self.links.append(place)
            elif place.is_file():
                self.files.append(place)
            elif row.is_symlink():
                self.left_out.add(BROKEN_LINK, self._shown(place))
        return inside

    def _working(self, place: Path, *, folder: bool) -> None:
        """Count a working file, or the files in a working folder."""
        names = [Path(parent, name) for parent, _, files in os.walk(place) for name in files] if folder else [place]
        for name in sorted(names):
            self.left_out.add(WORKING, self._shown(name))

    def _shown(self, place: Path) -> str:
        return shown(place.relative_to(self.root))
