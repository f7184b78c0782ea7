"""The profile of the corpus that a model learned from, made once and kept in the store.

It is kept beside the corpus, as ``profiles/<content digest of the corpus>-<version>.parquet``, and not inside it: another file in a corpus
would change the content digest of every corpus, and with it retrain every model. It can be computed again at any time.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts.base import CorruptObject, NotFound
from pipeline.artifacts.sealed import read_record
from pipeline.monitoring.profile import VERSION, Profile, profile_corpus

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.manifest import Manifest

SPLIT = "train"


def read_or_make_profile(artifacts: Artifacts, corpus: Manifest, scratch: Path) -> Profile:
    """The profile of a corpus; made and stored if there is none that can be read.

    Args:
        artifacts: hold the corpus and the profile.
        corpus: the corpus.
        scratch: an existing folder for a copy of its shards meanwhile.

    Raises:
        BadInput: the corpus is too small.
        Damaged: the corpus is damaged.
    """
    key = profile_key(corpus.digest)
    try:
        return read_record(artifacts.store, key, Profile.from_bytes)
    except (NotFound, CorruptObject, ValueError):
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            made = profile_corpus(artifacts.open(corpus, Path(folder) / "corpus", (f"{SPLIT}-*.parquet",)), SPLIT)
        artifacts.store.put(key, made.to_bytes())
        return made


def profile_key(digest: str) -> str:
    """Key of the profile of the corpus with this content digest."""
    return f"profiles/{digest}-{VERSION}.parquet"
