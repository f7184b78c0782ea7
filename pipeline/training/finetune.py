"""Fine-tuning: train a model on a task's examples, from random weights or from a base model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.models.adapters import adapter_of
from pipeline.training.base import FeedInputs
from pipeline.training.device import choose_compute_setup
from pipeline.training.loop import LoopInputs, train
from pipeline.training.result import TrainingResult, save_result
from pipeline.training.start import start_model
from pipeline.training.token_folder import open_tokens
from pipeline.training.trainable import choose_trainable
from pipeline.training.validation_metric import ValidationMetric

if TYPE_CHECKING:
    from typing import Any

    from pipeline.recipe import Finetuning
    from pipeline.training.base import AnsweringTask, AnswerScoring
    from pipeline.training.job import TrainingJob


def finetune_model(
    job: TrainingJob, params: Finetuning, task: AnsweringTask, section: dict[str, Any], scoring: AnswerScoring | None = None
) -> TrainingResult:
    """Train a model on a task with early stopping, and write the weights of the best validation.

    Args:
        job: inputs, output, and what to compute on.
        params: steps, optimizer, what is trained, early stopping.
        task: its head, batches, losses and answers.
        section: the recipe's ``task`` section as plain data, to be kept with the model.
        scoring: how the task's answers are compared; only where early stopping looks at a metric.

    Raises:
        BadInput: base, model, task and tokens do not fit together, or training diverged.
        Preempted: asked to stop; a checkpoint was saved.
    """
    tokens, group = open_tokens(job.tokens), job.process_group
    model, info = start_model(job, tokens, lambda kind: task.head(kind, tokens.labels), params.dropout, params.seed)
    info = replace(info, task=section, cleaning=tokens.cleaning)
    feed = task.feed(FeedInputs(tokens, model, info.context, params))
    score = ValidationMetric(job, params, task, scoring, tokens, info) if scoring else None
    given = adapter_of(model.core)
    choose_trainable(model, params)
    # an adapter that was merged changed the weights of the base
    base = job.base if given is None or given is adapter_of(model.core) else None
    compute_setup = choose_compute_setup(job.device, job.threads, params.precision, info.context, group.local_world_size)
    inputs = LoopInputs(model, feed, params, compute_setup, params.l1, params.patience, score, group)
    trained = train(inputs, job.reporter, job.checkpoints)
    keep = params.lora is not None and params.lora.keep is not None
    return save_result(job, model, info, trained, tokens.tokenizer, keep_adapter=keep, base=base)
