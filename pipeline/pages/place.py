"""Where pages are: in the store, and as a copy that a browser on this machine opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.base import Store
    from pipeline.settings import Settings

ROOT = "pages"
INDEX = "index.html"


def history_name(model: str) -> str:
    """Name of the page of a model's history."""
    return f"history-{model}.html"


def keep_page(store: Store, name: str, page: str) -> None:
    """Put a page into the store; it replaces the older one."""
    store.put(f"{ROOT}/{name}", page.encode())


def copy_page(settings: Settings, name: str, page: str) -> Path:
    """Write a page into the state folder, for a browser."""
    place = settings.state.resolve() / ROOT / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(page, encoding="utf-8")
    return place
