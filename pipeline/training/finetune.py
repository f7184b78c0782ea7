"""Fine-tuning: from tokens, and a base model where there is one, to a model that does a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.lookup import load
from pipeline.models.build import build_model
from pipeline.models.files import TOKENIZER, load_weights, read_info
from pipeline.models.shape import Info, Shape
from pipeline.training import TASKS
from pipeline.training.loop import Setup, train
from pipeline.training.outcome import Outcome, finish, first_choice
from pipeline.training.ranks import ALONE, Ranks
from pipeline.training.tokens import open_tokens

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.recipe import Finetuning, Model
    from pipeline.reporter import Checkpoints, Reporter
    from pipeline.training.tokens import TokenFolder


def finetune_model(
    tokens: Path,
    base: Path | None,
    model: Model,
    params: Finetuning,
    output: Path,
    *,
    device: str,
    threads: int | None,
    reporter: Reporter,
    checkpoints: Checkpoints,
    ranks: Ranks | None = None,
) -> Outcome:
    """Train a model on pairs, stopping early, and write the folder of the best look at the validation split.

    Args:
        tokens: what tokenization wrote.
        base: folder of a pretrained model to start from; None starts from the seed's random weights.
        model: shape of the model; must be the base's.
        params: task, steps, optimizer, early stopping.
        output: empty folder for the model: `pipeline.models.files`.
        device: ``cpu``, ``cuda`` or ``auto``.
        threads: CPU threads; None takes all cores the process may use.
        reporter: hears progress and metrics, and may ask to stop.
        checkpoints: where the state is kept.
        ranks: the processes that train together; None for this one alone.

    Raises:
        BadInput: base, shape, task and tokens do not go together, or training diverged.
        Preempted: told to stop; a checkpoint was saved.
    """
    read, shape = open_tokens(tokens), Shape(**model.model_dump())
    feed = load("task", TASKS, params.task)(read, shape, params)
    built = build_model(shape, read.vocabulary, read.specials, params.dropout, params.seed)
    if base:
        _check_base(base, shape, read)
        load_weights(built, base)
    info = Info(shape, read.vocabulary, read.specials, params.task, read.max_source_tokens, read.max_target_tokens, params.seed)
    ranks = ranks or ALONE
    machine = first_choice(device, threads, params.precision, max(shape.context, read.max_source_tokens), ranks.beside)
    trained = train(Setup(built, feed, params, machine, params.l1, params.patience, ranks), reporter, checkpoints)
    return finish(built, info, trained, read.tokenizer, output, write=ranks.first)


def _check_base(base: Path, shape: Shape, tokens: TokenFolder) -> None:
    """Refuse a base of another shape or with another tokenizer."""
    found = read_info(base).shape
    if found != shape:
        differing = [name for name in vars(shape) if getattr(found, name) != getattr(shape, name)]
        got, wanted = (", ".join(f"{name} {getattr(one, name)}" for name in differing) for one in (found, shape))
        raise BadInput(f"a base model with {got}", wanted, "give pretraining and fine-tuning the same model section")
    if (base / TOKENIZER).read_bytes() != tokens.tokenizer.read_bytes():
        raise BadInput("a base model with another tokenizer", "the tokenizer of these tokens", "pretrain on these tokens")
