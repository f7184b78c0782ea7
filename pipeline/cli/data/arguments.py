"""What several of these commands take, and the corpus that a name means."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.artifacts.manifest import Manifest

CORPUS = "A recipe (its newest corpus), a run, a version such as pydocs@champion, or the first digits of a corpus's fingerprint."
Corpus = Annotated[str, typer.Argument(help=CORPUS, metavar="CORPUS")]


class OpenedCorpus(NamedTuple):
    """A corpus with its files on this machine."""

    manifest: Manifest
    folder: Path

    @property
    def title(self) -> str:
        """What it is, in one line."""
        made = self.manifest.provenance
        return f"corpus {self.manifest.fingerprint[:12]}/{self.manifest.digest[:12]}, made {made.finished:%Y-%m-%d %H:%M} UTC by {made.run}"


@contextmanager
def open_corpora(*names: str) -> Iterator[list[OpenedCorpus]]:
    """Find and fetch corpora; their files are removed from the scratch folder afterwards.

    Raises:
        BadInput: nothing has such a name.
        Damaged: a corpus is damaged.
    """
    from tempfile import TemporaryDirectory

    from pipeline.artifacts import open_artifacts
    from pipeline.corpora.find import corpus_called
    from pipeline.recipe import recipe_files
    from pipeline.settings import load_settings

    settings = load_settings()
    artifacts, recipes = open_artifacts(settings, read_only=True), recipe_files(settings.recipe_folders)
    found = [corpus_called(name, artifacts, settings, recipes) for name in names]
    settings.state.mkdir(parents=True, exist_ok=True)
    # beside the cache, so that files are links
    with TemporaryDirectory(dir=settings.state) as scratch:
        yield [OpenedCorpus(one, artifacts.open(one, Path(scratch) / str(place))) for place, one in enumerate(found)]
