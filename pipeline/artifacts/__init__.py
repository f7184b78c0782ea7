"""Artifacts: content-addressed blobs, manifests written last, fingerprints, leases, checkpoints, a verified cache.

Nothing here depends on what a corpus or a model is. The scheme of ``TRAINSHED_STORE`` selects the store, which is imported on use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lookup import Table

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.base import Store
    from pipeline.settings import Settings

STORES = Table(
    "store",
    "trainshed.stores",
    {
        "s3": "pipeline.artifacts.s3:S3Store",
        "file": "pipeline.artifacts.folder:FolderStore",
    },
)


def open_store(settings: Settings) -> Store:
    """The store that ``settings.store`` names.

    Raises:
        BadInput: no store has that scheme.
    """
    store: Store = STORES.load(settings.store.partition("://")[0])(settings)
    return store


def open_artifacts(settings: Settings, *, read_only: bool = False) -> Artifacts:
    """The artifacts of the store that ``settings.store`` names, behind the local cache.

    Args:
        settings: where the store and the cache are.
        read_only: never write to the store.
    """
    from pipeline.artifacts.artifacts import Artifacts
    from pipeline.artifacts.cache import Cache

    return Artifacts(open_store(settings), Cache(settings.cache_folder, settings.cache_limit_mb), read_only=read_only)
