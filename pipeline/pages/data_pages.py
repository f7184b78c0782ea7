"""The newest page of each recipe's corpus, as the check of its data wrote it, beside the page of all models."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.pages.newest import newest_of_recipes

if TYPE_CHECKING:
    from pipeline.artifacts.artifacts import Artifacts

STAGE, PAGE = "data_check", "report.html"


def data_page_name(recipe: str) -> str:
    """Name of the page of a recipe's corpus."""
    return f"data-{recipe}.html"


def newest_data_pages(artifacts: Artifacts, scratch: Path) -> dict[str, str]:
    """The newest page of each recipe.

    Args:
        artifacts: the artifacts of the store.
        scratch: an existing folder for files meanwhile.

    Raises:
        Damaged: a page is damaged.
    """
    pages: dict[str, str] = {}
    for recipe, manifest in newest_of_recipes(artifacts, STAGE).items():
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            pages[recipe] = (artifacts.open(manifest, Path(folder), (PAGE,)) / PAGE).read_text(encoding="utf-8")
    return pages
