"""Pretraining: train a base model on text without labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.families.kinds import LANGUAGE_HEAD
from pipeline.models.adapters import merge_adapter
from pipeline.models.build import HeadSpec
from pipeline.training import OBJECTIVES
from pipeline.training.base import FeedInputs, Finishing
from pipeline.training.device import choose_compute_setup
from pipeline.training.loop import LoopInputs, train
from pipeline.training.result import TrainingResult, save_result
from pipeline.training.start import start_model
from pipeline.training.token_folder import open_tokens

if TYPE_CHECKING:
    from typing import Any

    from pipeline.recipe import Pretraining
    from pipeline.training.base import TrainedTask
    from pipeline.training.job import TrainingJob


def pretrain_model(
    job: TrainingJob, params: Pretraining, section: dict[str, Any] | None = None, task: TrainedTask | None = None
) -> TrainingResult:
    """Train a model on text without labels and write its folder.

    Args:
        job: inputs, output, and what to compute on.
        params: objective, steps, optimizer.
        section: the recipe's ``task`` section as plain data, to be kept with a model that is the result; None for a base model.
        task: of a model that is the result, and that the task answers with a head of its own; None where the task writes text.

    Raises:
        BadInput: model, objective and tokens do not fit together, or training diverged.
        Preempted: asked to stop; a checkpoint was saved.
    """
    tokens, group = open_tokens(job.tokens), job.process_group
    model, info = start_model(job, tokens, lambda kind: HeadSpec(LANGUAGE_HEAD[kind]), params.dropout, params.seed)
    merge_adapter(model.core)
    feed = OBJECTIVES.load(params.objective)(FeedInputs(tokens, model, info.context, params))
    compute_setup = choose_compute_setup(job.device, job.threads, params.precision, info.context, group.local_world_size)
    trained = train(LoopInputs(model, feed, params, compute_setup, process_group=group), job.reporter, job.checkpoints)
    if isinstance(feed, Finishing):
        feed.finish(trained.weights)
    head = task.head(info.kind, ()) if task else info.head
    info = replace(info, head=head, objective=params.objective, task=section, cleaning=tokens.cleaning)
    return save_result(job, model, info, trained, tokens.tokenizer)
