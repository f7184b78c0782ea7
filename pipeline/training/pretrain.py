"""Pretraining: train a base model on text without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.models.build import build_model
from pipeline.models.shape import ModelInfo, Shape
from pipeline.training import OBJECTIVES
from pipeline.training.device import choose_compute_setup
from pipeline.training.loop import LoopInputs, train
from pipeline.training.result import TrainingResult, save_result
from pipeline.training.token_folder import open_tokens

if TYPE_CHECKING:
    from pipeline.recipe import Pretraining
    from pipeline.training.job import TrainingJob


def pretrain_model(job: TrainingJob, params: Pretraining) -> TrainingResult:
    """Train a model on text without labels and write its folder.

    Args:
        job: inputs, output, and what to compute on.
        params: objective, steps, optimizer.

    Raises:
        BadInput: shape, objective and tokens do not fit together, or training diverged.
        Preempted: asked to stop; a checkpoint was saved.
    """
    tokens, shape = open_tokens(job.tokens), Shape(**job.model.model_dump())
    feed = OBJECTIVES.load(params.objective)(tokens, shape, params)
    model = build_model(shape, tokens.vocabulary, tokens.specials, params.dropout, params.seed)
    info = ModelInfo(
        shape, tokens.vocabulary, tokens.specials, params.objective, tokens.max_source_tokens, tokens.max_target_tokens, params.seed
    )
    group = job.process_group
    compute_setup = choose_compute_setup(job.device, job.threads, params.precision, shape.context, group.local_world_size)
    trained = train(LoopInputs(model, feed, params, compute_setup, process_group=group), job.reporter, job.checkpoints)
    return save_result(job, model, info, trained, tokens.tokenizer)
