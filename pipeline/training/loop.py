"""The training loop.

One step: take the step's batch, forward, backward, clip, update. Between steps the loop validates, reports, checkpoints, and checks
whether to stop. A resumed run, however often and wherever it was killed, ends with exactly the weights of an undisturbed one (same
kind of device, same number of threads): every random number follows from seed and step, and `checkpoint.TrainingState` holds the
rest.

Several processes may train one model, see `process_group.ProcessGroup`. All ranks run this loop step by step. Rank 0 alone reads and
writes checkpoints, and only its reporter records anything.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch

from pipeline.errors import Preempted
from pipeline.reporter import CpuHeartbeat
from pipeline.training import OPTIMIZERS
from pipeline.training.batch_order import DROPOUT, random_generator
from pipeline.training.checkpoint import TrainingState, read_state, read_tensors, write_checkpoint
from pipeline.training.divergence import check_finite, check_finite_tensors
from pipeline.training.early_stopping import EarlyStopping
from pipeline.training.gradients import clip_gradients, shrink_towards_zero
from pipeline.training.learning_rate_schedule import learning_rate_factor
from pipeline.training.master_weights import MasterWeights
from pipeline.training.process_group import SINGLE_PROCESS, ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pipeline.models.batch import Batch
    from pipeline.models.text_model import TextModel
    from pipeline.recipe.training import Training
    from pipeline.reporter import Checkpoints, Reporter
    from pipeline.training.base import Feed, Optimizer, Score
    from pipeline.training.device import ComputeSetup

logger = logging.getLogger(__name__)

REPORT_EVERY = 10
"""Steps between two training metrics."""

VALIDATION = "validation_"
"""Prefix of what a validation found, in the rows of the history."""


@dataclass(frozen=True)
class LoopInputs:
    """What to train, on what, and how."""

    model: TextModel
    """In fp32 on the CPU, with the weights to start from."""
    feed: Feed
    params: Training
    compute_setup: ComputeSetup
    """For a first start; a resumed run uses the one in its checkpoint."""
    l1: float = 0.0
    """Weight of the L1 penalty."""
    patience: int | None = None
    """Validations without improvement before early stopping; None trains all steps and keeps the last weights."""
    score: Score | None = None
    """What early stopping looks at; None means the validation loss."""
    process_group: ProcessGroup = SINGLE_PROCESS


@dataclass(frozen=True)
class LoopResult:
    """How a run ended."""

    weights: dict[str, Tensor]
    """Fp32 weights by name: with early stopping those of the best validation, which only rank 0 has; else the last ones."""
    history: list[dict[str, float]]
    """One row per validation."""
    kept: dict[str, float]
    """The row of the weights."""
    compute_setup: ComputeSetup
    steps: int
    """Optimizer steps done."""
    tokens: int
    """Tokens trained on."""
    processes: str
    """How many processes trained, and from which step on if that changed: ``2, 1 from step 40``."""


def train(inputs: LoopInputs, reporter: Reporter, checkpoints: Checkpoints) -> LoopResult:
    """Train to the end, from the newest checkpoint if there is one.

    Raises:
        Preempted: asked to stop; a checkpoint was saved.
        BadInput: training diverged.
        Damaged: the newest checkpoint does not fit.
    """
    loop = _Loop(inputs, reporter, checkpoints)
    state = loop.state
    while state.step < loop.end and not state.stopped:
        if inputs.process_group.any_rank(reporter.stopping()):
            loop.save_checkpoint()
            raise Preempted(f"stopped on request after step {state.step}", "", "run again: the next attempt resumes from this step")
        loop.step()
    loop.weights.restore_frozen()
    return LoopResult(
        loop.best or loop.weights.tensors, state.history, loop.kept_row(), state.compute_setup, state.step, state.tokens, state.processes
    )


def _early_stopping(inputs: LoopInputs) -> EarlyStopping:
    """Early stopping before the first validation."""
    return EarlyStopping(inputs.patience, higher_is_better=inputs.score is not None and inputs.score.higher_is_better)


class _Loop:
    """A run in progress."""

    def __init__(self, inputs: LoopInputs, reporter: Reporter, checkpoints: Checkpoints) -> None:
        self.inputs, self.reporter, self.checkpoints, self.group = inputs, reporter, checkpoints, inputs.process_group
        newest = checkpoints.newest() if self.group.is_main else None
        state = read_state(newest) if newest else TrainingState(inputs.compute_setup, _early_stopping(inputs))
        self.state = self.group.broadcast_object(state)
        self.device = self.state.compute_setup.apply()
        self.model = inputs.model.to(self.device)
        self.model.set_attention_kernel(self.state.compute_setup.kernel)
        self.weights = MasterWeights(self.model, self.state.compute_setup.precision)
        self.optimizer: Optimizer = OPTIMIZERS.load(inputs.params.optimizer)(
            self.weights.tensors, self.weights.matrices, inputs.params, self.weights.compute_dtype
        )
        self.end = inputs.params.until or inputs.params.steps
        self.judged_by = inputs.score.name if inputs.score else "loss"
        self.best: dict[str, Tensor] = {}
        if newest:
            self.best = read_tensors(newest, self.weights.tensors, self.optimizer.state())
            logger.info("resumed at step %d", self.state.step)
        self.group.broadcast_tensors(self.weights.tensors)
        self.group.broadcast_tensors(self.optimizer.state())
        self.weights.copy_to_model()
        if self.state.record_world_size(self.group.world_size):
            logger.warning("processes: %s; same batches, but sums run in another order: the last bits may differ", self.state.processes)
        self.saved_step = self.group.broadcast_object(self.state.step if newest else -1)
        # the first batch of a resumed run with packed rows takes as long as planning all its epochs so far: half a million pieces a second
        with CpuHeartbeat(reporter):
            inputs.feed.batch(self.state.step)
            validation = self.group.shard(list(inputs.feed.validation()))
        self.validation: Sequence[Batch] = [batch.to(self.device) for batch in validation]
        self.clock, self.tokens = time.perf_counter(), 0

    def kept_row(self) -> dict[str, float]:
        """The row of the history whose weights are the result: the first of the best ones; without early stopping the last one."""
        rows, stopping = self.state.history, self.state.early_stopping
        if stopping.patience is None:
            return rows[-1]
        return (max if stopping.higher_is_better else min)(rows, key=lambda row: row[VALIDATION + self.judged_by])

    def step(self) -> None:
        """One optimizer step and what is due after it."""
        params, state = self.inputs.params, self.state
        batch = self.inputs.feed.batch(state.step)
        state.step += 1
        factor = learning_rate_factor(state.step, params.steps, params.warmup, params.decay)
        loss = self._update(batch, factor)
        state.since_validation.add(loss)
        state.since_report.add(loss)
        self.tokens += batch.tokens
        state.tokens += batch.tokens
        # where a budget ends, nothing is done that a longer run would not do: it continues with the same bits
        last = state.step == params.steps
        if state.step % REPORT_EVERY == 0 or last:
            self._report(factor)
        if state.step % params.evaluate_every == 0 or last:
            self._validate(factor)
        # the last step too: its metrics are sent with a checkpoint, so that a crash before the commit does not send them twice
        if state.step % params.checkpoint_every == 0 or state.step == self.end or state.stopped:
            self.save_checkpoint()

    def save_checkpoint(self) -> None:
        """Save a checkpoint, unless this step has one already."""
        if self.saved_step == self.state.step:
            return
        check_finite_tensors({**self.weights.tensors, **self.optimizer.state()}, self.state.step)
        self.group.check_equal_weights(self.weights.tensors, self.state.step)
        if self.group.is_main:
            with TemporaryDirectory(prefix="checkpoint-") as folder:
                write_checkpoint(Path(folder), self.state, self.weights.tensors, self.optimizer.state(), self.best)
                self.reporter.beat()
                self.checkpoints.save(self.state.step, Path(folder))
        # the other ranks wait until it is committed: torchrun stops rank 0 as soon as another rank ends
        self.group.barrier()
        self.saved_step = self.state.step

    def _update(self, batch: Batch, factor: float) -> float:
        """Forward, backward, clip, update; returns the loss per label, in nats."""
        loss = self.group.all_reduce_sum(self._backward(batch))[0]
        check_finite("training loss", loss, self.state.step)
        gradients = self.weights.take_gradients()
        self.group.all_reduce_gradients(gradients)
        clip_gradients(gradients, self.inputs.params.clip, self.state.step)
        self.optimizer.step(gradients, factor, self.state.step)
        shrink_towards_zero(self.weights, self.inputs.l1 * self.inputs.params.learning_rate * factor)
        self.weights.copy_to_model()
        return loss

    def _backward(self, batch: Batch) -> float:
        """Forward and backward over this rank's rows; returns their part of the loss per label of the whole batch."""
        rank = self.group.rank
        seeds = random_generator(self.inputs.params.seed, DROPOUT, self.state.step).integers(2**62, size=rank + 1)
        torch.manual_seed(int(seeds[rank]))
        shard = self.group.shard_batch(batch)
        if shard.label_count == 0:
            return 0.0
        loss_N = self.inputs.feed.losses(self.model.train(), shard.to(self.device))
        loss = loss_N.mean() if self.group.is_single else loss_N.sum() / batch.label_count
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _report(self, factor: float) -> None:
        """Report training loss, learning rate and throughput."""
        now = time.perf_counter()
        speed = self.tokens / max(now - self.clock, 1e-9)
        self.clock, self.tokens = now, 0
        loss, rate = self.state.since_report.take(), self.inputs.params.learning_rate * factor
        self.reporter.metrics(self.state.step, {"train/loss": loss, "learning_rate": rate, "tokens_per_s": speed})
        self.reporter.progress(self.state.step, self.end, "steps", loss=loss, tokens_per_s=speed)

    def _validate(self, factor: float) -> None:
        """Compute loss and metric on the validation split; with early stopping keep the best weights, and stop after enough others."""
        began, state = time.perf_counter(), self.state
        figures = {"loss": self._validation_loss()}
        if self.inputs.score:
            figures[self.inputs.score.name] = self.inputs.score(self.model)
        for name, figure in figures.items():
            check_finite(f"validation {name}", figure, state.step)
        check_finite_tensors(self.weights.tensors, state.step)
        row = {"step": state.step, "loss": state.since_validation.take(), "learning_rate": self.inputs.params.learning_rate * factor}
        state.history.append({**row, **{VALIDATION + name: figure for name, figure in figures.items()}})
        self.reporter.metrics(state.step, {f"validation/{name}": figure for name, figure in figures.items()})
        if state.early_stopping.patience is not None:
            if state.early_stopping.update(figures[self.judged_by]) and self.group.is_main:
                self.best = {name: weight.clone() for name, weight in self.weights.tensors.items()}
            state.stopped = state.early_stopping.should_stop
        said = ", ".join(f"validation {name} {figure:.4f}" for name, figure in figures.items())
        logger.info("step %d: %s%s", state.step, said, ", stopping early" if state.stopped else "")
        self.clock += time.perf_counter() - began  # validation is not training: keep it out of the throughput

    @torch.inference_mode()
    def _validation_loss(self) -> float:
        """Nats per label over the whole validation split."""
        self.model.eval()
        total, labels = 0.0, 0.0
        for batch in self.validation:
            loss_N = self.inputs.feed.losses(self.model, batch)
            total, labels = total + float(loss_N.double().sum()), labels + len(loss_N)
            self.reporter.beat()
        total, labels = self.group.all_reduce_sum(total, labels)
        return total / labels
