"""The servers and the states that sweeps start from, once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.garbage import Garbage
from faults.stages import Stages, fake_package
from faults.world import World

from components.registration import __main__ as registration
from pipeline.artifacts import gc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fixtures.mlflow import Server
    from fixtures.s3 import S3Server


@pytest.fixture(scope="session")
def world(s3_server: S3Server, mlflow_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """S3 and MLflow behind a proxy each."""
    made = World(s3_server, mlflow_server, tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def stages(world: World, make_model: Callable[..., Path]) -> Iterator[Stages]:
    """A line that ran once, with tiny bodies."""
    folder = make_model()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registration, "package_model", fake_package)
        yield Stages(world, lambda: folder)


@pytest.fixture(scope="module")
def garbage(world: World) -> Iterator[Garbage]:
    """A store with something to collect; a collection that was cut off keeps its lease for a second, not a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "LEASE_TTL_S", 1.0)
        yield Garbage(world)
