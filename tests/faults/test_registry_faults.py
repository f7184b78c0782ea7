"""One fault at one request of a rollback: the ledger has one entry for it, and MLflow's alias follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.kinds import MLFLOW_KINDS, S3_KINDS
from faults.promotions import rollback_action
from faults.sweep import each_request, one_request

if TYPE_CHECKING:
    from faults.world import World

KINDS = {"s3": S3_KINDS, "mlflow": MLFLOW_KINDS}


@pytest.mark.parametrize(
    ("server", "kind"), [("s3", "lose the answer"), ("s3", "gone after"), ("mlflow", "lose the answer"), ("mlflow", "503")]
)
def test_a_rollback_is_done_once(world: World, server: str, kind: str) -> None:
    sweep = one_request(rollback_action(world, server, reads_errors=False), kind)
    assert not sweep.violations, str(sweep)


@pytest.mark.prove
@pytest.mark.timeout(3600)  # hundreds of runs
@pytest.mark.parametrize("server", KINDS)
@pytest.mark.parametrize("reads_errors", [True, False])
def test_every_fault_at_every_request_of_a_rollback(world: World, server: str, reads_errors: bool) -> None:
    sweep = each_request(rollback_action(world, server, reads_errors=reads_errors), KINDS[server])
    print(sweep)
    assert not sweep.violations, str(sweep)
