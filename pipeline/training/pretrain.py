"""Pretraining: from tokens to a base model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lookup import load
from pipeline.models.build import build_model
from pipeline.models.shape import Info, Shape
from pipeline.training import OBJECTIVES
from pipeline.training.loop import Setup, train
from pipeline.training.outcome import Outcome, finish, first_choice
from pipeline.training.ranks import ALONE, Ranks
from pipeline.training.tokens import open_tokens

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.recipe import Model, Pretraining
    from pipeline.reporter import Checkpoints, Reporter


def pretrain_model(
    tokens: Path,
    model: Model,
    params: Pretraining,
    output: Path,
    *,
    device: str,
    threads: int | None,
    reporter: Reporter,
    checkpoints: Checkpoints,
    ranks: Ranks | None = None,
) -> Outcome:
    """Train a model on text without labels and write its folder.

    Args:
        tokens: what tokenization wrote.
        model: shape of the model.
        params: objective, steps, optimizer.
        output: empty folder for the model: `pipeline.models.files`.
        device: ``cpu``, ``cuda`` or ``auto``.
        threads: CPU threads; None takes all cores the process may use.
        reporter: hears progress and metrics, and may ask to stop.
        checkpoints: where the state is kept.
        ranks: the processes that train together; None for this one alone.

    Raises:
        BadInput: shape, objective and tokens do not go together, or training diverged.
        Preempted: told to stop; a checkpoint was saved.
    """
    read, shape = open_tokens(tokens), Shape(**model.model_dump())
    feed = load("objective", OBJECTIVES, params.objective)(read, shape, params)
    built = build_model(shape, read.vocabulary, read.specials, params.dropout, params.seed)
    info = Info(shape, read.vocabulary, read.specials, params.objective, read.max_source_tokens, read.max_target_tokens, params.seed)
    ranks = ranks or ALONE
    machine = first_choice(device, threads, params.precision, shape.context, ranks.beside)
    trained = train(Setup(built, feed, params, machine, ranks=ranks), reporter, checkpoints)
    return finish(built, info, trained, read.tokenizer, output, write=ranks.first)
