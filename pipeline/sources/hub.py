"""Source ``hub``: a dataset of the Hugging Face hub, or a folder of one on this machine.

Planning asks the hub for the commit of the revision and for the digests of its files; nothing is downloaded, but for the card. The files then are
those of the web at fixed addresses. The identity is that of the files: a commit that changes the card only retrains nothing.

The files are read by the readers of their format, not by the library `datasets`. They are bounded in memory, one broken record costs one record,
and no code of a repository runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.recipe.hub_source import is_local
from pipeline.sources.base import MissingSource, Pin, PinnedItem
from pipeline.sources.formats import natural
from pipeline.sources.hub_api import Repository
from pipeline.sources.hub_layout import CARD, choose
from pipeline.sources.left_out import EMPTY, LeftOutCounter
from pipeline.sources.local_files import pin_files
from pipeline.sources.roots import check_file
from pipeline.sources.walk import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.recipe.data import Source
    from pipeline.settings import Settings

BRANCH = "main"


def pin(source: Source, settings: Settings) -> Pin:
    """Pin the files of a dataset.

    Raises:
        MissingSource: there is no such folder, or no data file.
        BadInput: no such dataset, revision, configuration or split.
        Unavailable: the hub does not answer.
    """
    left_out = LeftOutCounter()
    path = source.path or ""
    return _folder(source, path, settings, left_out) if is_local(path) else _repository(source, path, settings, left_out)


def _repository(source: Source, path: str, settings: Settings, left_out: LeftOutCounter) -> Pin:
    owner, name, *inside = path.strip("/").split("/")
    repository = Repository(f"{owner}/{name}", settings)
    commit = repository.commit(source.revision or BRANCH)
    files = {file.path: file for file in repository.files(commit)}
    card = repository.card(commit) if CARD in files else ""
    wanted = "/".join(inside) or None
    chosen = choose(files, card, wanted, source.config, source.split, f"{owner}/{name}", left_out)
    items = [
        PinnedItem(name=repository.address(commit, place), revision=files[place].revision, size=files[place].size) for place in chosen.paths
    ]
    return _pin(source, items, repository.root(commit), left_out)


def _folder(source: Source, path: str, settings: Settings, left_out: LeftOutCounter) -> Pin:
    """A snapshot of a repository, or what `datasets.Dataset.save_to_disk` wrote."""
    root = settings.home / Path(path).expanduser()
    check_file(root, settings)
    if not root.is_dir():
        raise MissingSource(f"no folder {root}", "a snapshot of a dataset, or one saved by save_to_disk", "correct data.source.path")
    places = {place.relative_to(root).as_posix(): place for place in walk(root, left_out)}
    card = places[CARD].read_text("utf-8", "replace") if CARD in places else ""
    chosen = choose(places, card, None, source.config, source.split, path, left_out)
    for place in chosen.paths:
        check_file(places[place], settings)
    return _pin(source, pin_files((places[place] for place in chosen.paths), settings), f"{root}/", left_out)


def _pin(source: Source, items: Sequence[PinnedItem], root: str, left_out: LeftOutCounter) -> Pin:
    filled = sorted((item for item in items if item.size), key=lambda item: natural(item.name))
    for item in items:
        if not item.size:
            left_out.add(EMPTY, item.name.removeprefix(root))
    if not filled:
        raise BadInput(f"every file of data.source.path {source.path!r} is empty", "", "correct data.source")
    return Pin(kind=source.kind, items=tuple(filled), root=root, left_out=left_out.total())
