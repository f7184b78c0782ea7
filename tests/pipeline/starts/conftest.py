"""Pin and fetch an address as the plan and the component do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.recipe.start import Start
from pipeline.reporter import SilentReporter
from pipeline.settings import load_settings
from pipeline.starts import fetch_start, pin_start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.settings import Settings
    from pipeline.sources.base import Pin


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose checkout is the test's folder."""
    return load_settings(tmp_path / "state").model_copy(update={"home": tmp_path})


@pytest.fixture
def fetch(settings: Settings, tmp_path: Path) -> Callable[..., tuple[Pin, dict[str, bytes]]]:
    """Fetch an address; give the pin and the files by their names."""

    def do(address: str, pin: Pin | None = None) -> tuple[Pin, dict[str, bytes]]:
        start = Start(address=address)
        pin = pin or pin_start(start, settings)
        scratch = tmp_path / f"scratch-{len(list(tmp_path.glob('scratch-*')))}"
        scratch.mkdir()
        found = fetch_start(start, pin, scratch, settings, SilentReporter())
        return pin, {path.name: path.read_bytes() for path in sorted(found.iterdir()) if path.is_file()}

    return do
