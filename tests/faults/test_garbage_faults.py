"""A collection that meets faults, or a commit at any of its requests, removes nothing that is relied on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.garbage import beside, collection
from faults.kinds import S3_KINDS
from faults.sweep import each_request, one_request
from fixtures.cases import few

if TYPE_CHECKING:
    from faults.garbage import Garbage


@pytest.mark.parametrize("kind", few(["503", "lose the answer", "gone after"], ["lose the answer"]))
def test_a_collection_that_was_cut_off_is_finished_by_the_next(garbage: Garbage, kind: str) -> None:
    sweep = one_request(collection(garbage), kind)
    assert not sweep.violations, str(sweep)


@pytest.mark.parametrize(("what", "meanwhile"), few([("commit", "collect"), ("collect", "commit")], [("commit", "collect")]))
def test_a_commit_and_a_collection_at_any_of_its_requests(garbage: Garbage, what: str, meanwhile: str) -> None:
    sweep = each_request(beside(garbage, what, meanwhile), ["meanwhile"])
    print(sweep)
    assert not sweep.violations, str(sweep)


@pytest.mark.prove
@pytest.mark.timeout(3600)  # hundreds of runs
def test_every_fault_at_every_request_of_a_collection(garbage: Garbage) -> None:
    sweep = each_request(collection(garbage), S3_KINDS)
    print(sweep)
    assert not sweep.violations, str(sweep)
