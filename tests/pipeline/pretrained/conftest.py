"""Import a folder as the component does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def imported(tmp_path: Path) -> Callable[[Path], tuple[Path, dict[str, int]]]:
    """Import fetched files; give the folder that was written, and the counts."""
    from pipeline.pretrained.import_folder import import_weights

    def do(fetched: Path) -> tuple[Path, dict[str, int]]:
        number = len(list(tmp_path.glob("imported-*")))
        output, scratch = tmp_path / f"imported-{number}", tmp_path / f"scratch-{number}"
        output.mkdir()
        scratch.mkdir()
        return output, import_weights(fetched, output, scratch)

    return do
