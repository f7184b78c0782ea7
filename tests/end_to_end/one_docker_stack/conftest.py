"""One stack with the launcher `docker` for all files of this folder. A test that stops one of its servers starts it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fixtures.docker import running_docker_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.stack import RunningStack


@pytest.fixture(scope="package")
def docker_stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Bring the stack up before the first test of this folder, and take it down after the last."""
    with running_docker_stack(images, tmp_path_factory.mktemp("docker-stack")) as running:
        yield running
