"""One stack for all files of this folder: each has recipes, models and users' answers of its own, and stops no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fixtures.stack import running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.stack import RunningStack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Bring the stack up before the first test of this folder, and take it down after the last."""
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running
