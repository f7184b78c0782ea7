"""Fine-tuning: train a model on (text, target) pairs, optionally from a pretrained base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.models.build import build_model
from pipeline.models.files import TOKENIZER, load_weights, read_info
from pipeline.models.shape import ModelInfo, Shape
from pipeline.training import TASKS
from pipeline.training.device import choose_compute_setup
from pipeline.training.loop import LoopInputs, train
from pipeline.training.result import TrainingResult, save_result
from pipeline.training.token_folder import open_tokens

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.recipe import Finetuning
    from pipeline.training.job import TrainingJob
    from pipeline.training.token_folder import TokenFolder


def finetune_model(job: TrainingJob, task: str, params: Finetuning, base: Path | None = None) -> TrainingResult:
    """Train a model on pairs with early stopping, and write the weights of the best validation.

    Args:
        job: inputs, output, and what to compute on; the model's shape must be the base's.
        task: a name from `pipeline.training.TASKS`.
        params: steps, optimizer, early stopping.
        base: folder of a pretrained model to start from; None starts from the seed's random weights.

    Raises:
        BadInput: base, shape, task and tokens do not fit together, or training diverged.
        Preempted: asked to stop; a checkpoint was saved.
    """
    tokens, shape = open_tokens(job.tokens), Shape(**job.model.model_dump())
    feed = TASKS.load(task)(tokens, shape, params)
    model = build_model(shape, tokens.vocabulary, tokens.specials, params.dropout, params.seed)
    if base:
        _check_base(base, shape, tokens)
        load_weights(model, base)
    info = ModelInfo(shape, tokens.vocabulary, tokens.specials, task, tokens.max_source_tokens, tokens.max_target_tokens, params.seed)
    positions, group = max(shape.context, tokens.max_source_tokens), job.process_group
    compute_setup = choose_compute_setup(job.device, job.threads, params.precision, positions, group.local_world_size)
    trained = train(LoopInputs(model, feed, params, compute_setup, params.l1, params.patience, group), job.reporter, job.checkpoints)
    return save_result(job, model, info, trained, tokens.tokenizer)


def _check_base(base: Path, shape: Shape, tokens: TokenFolder) -> None:
    """Refuse a base of another shape or with another tokenizer."""
    found = read_info(base).shape
    if found != shape:
        differing = [name for name in vars(shape) if getattr(found, name) != getattr(shape, name)]
        got, wanted = (", ".join(f"{name} {getattr(one, name)}" for name in differing) for one in (found, shape))
        raise BadInput(f"a base model with {got}", wanted, "give pretraining and fine-tuning the same model section")
    if (base / TOKENIZER).read_bytes() != tokens.tokenizer.read_bytes():
        raise BadInput("a base model with another tokenizer", "the tokenizer of these tokens", "pretrain on these tokens")
