"""One fault at one request of a stage, from its request to its commit: the artifact is there, whole, once, and the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from faults.kinds import MLFLOW_KINDS, S3_KINDS
from faults.stages import resumed_action, stage_action
from faults.sweep import each_request, one_request
from fixtures.cases import few

from pipeline.artifacts.checkpoints import KEPT

if TYPE_CHECKING:
    from faults.stages import Stages
    from faults.sweep import Action

STAGES = ("ingestion", "tokenization", "pretraining", "finetuning", "evaluation", "registration")
DELETED_CHECKPOINT = "^DELETE .*/training/"


@pytest.fixture(scope="module")
def training(stages: Stages) -> Action:
    """A stage that saves three checkpoints."""
    return stage_action(stages, "pretraining", "s3")


@pytest.fixture(scope="module")
def promotion(stages: Stages) -> Action:
    """The registration of a model that is promoted."""
    return stage_action(stages, "registration", "mlflow")


@pytest.mark.parametrize("kind", few(S3_KINDS, ("503", "flip a byte", "lose the answer", "gone after")))
def test_a_fault_of_s3_costs_an_attempt_and_nothing_else(training: Action, kind: str) -> None:
    sweep = one_request(training, kind)
    assert not sweep.violations, str(sweep)


def test_checkpoints_that_cannot_be_deleted_do_not_fail_a_committed_training(training: Action) -> None:
    deletes = [request for request in training.undisturbed[0] if re.search(DELETED_CHECKPOINT, request.line)]
    case = training.fresh()
    training.proxy.reset()
    training.proxy.matching = DELETED_CHECKPOINT
    # those that training deletes itself come first
    training.proxy.faults.extend([""] * (len(deletes) - KEPT) + ["503"] * KEPT)
    try:
        case.run()
    finally:
        left = list(training.proxy.faults)
        training.proxy.reset()
    assert len(left) < KEPT
    assert case.state() == training.undisturbed[1]


@pytest.mark.parametrize("kind", few(MLFLOW_KINDS, ("503", "lose the answer")))
def test_a_fault_of_mlflow_costs_an_attempt_and_nothing_else(promotion: Action, kind: str) -> None:
    sweep = one_request(promotion, kind)
    assert not sweep.violations, str(sweep)


@pytest.mark.prove
@pytest.mark.timeout(7200)  # hundreds of runs
@pytest.mark.parametrize("retry_s", [0.0, 5.0])
@pytest.mark.parametrize("step", STAGES)
def test_every_fault_of_s3_at_every_request(stages: Stages, step: str, retry_s: float) -> None:
    sweep = each_request(stage_action(stages, step, "s3", retry_s), S3_KINDS)
    print(sweep)
    assert not sweep.violations, str(sweep)


@pytest.mark.parametrize("kind", few(["flip a byte", "lose the answer", "503"], ["flip a byte"]))
def test_a_fault_while_a_training_resumes_costs_no_step(stages: Stages, kind: str) -> None:
    sweep = one_request(resumed_action(stages), kind)
    assert not sweep.violations, str(sweep)


@pytest.mark.prove
@pytest.mark.timeout(7200)  # hundreds of runs
@pytest.mark.parametrize("retry_s", [0.0, 5.0])
def test_every_fault_of_s3_at_every_request_of_a_resumed_training(stages: Stages, retry_s: float) -> None:
    sweep = each_request(resumed_action(stages, retry_s), S3_KINDS)
    print(sweep)
    assert not sweep.violations, str(sweep)


@pytest.mark.prove
@pytest.mark.timeout(7200)  # hundreds of runs
@pytest.mark.parametrize("retry_s", [0.0, 5.0])
@pytest.mark.parametrize("step", ["pretraining", "registration"])
def test_every_fault_of_mlflow_at_every_request(stages: Stages, step: str, retry_s: float) -> None:
    sweep = each_request(stage_action(stages, step, "mlflow", retry_s), MLFLOW_KINDS)
    print(sweep)
    assert not sweep.violations, str(sweep)
