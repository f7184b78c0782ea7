"""The training loop.

One step: take the batch of the step, one pass forward and back, clip, move. Between steps the loop looks at the validation
split, tells the reporter, checkpoints, and listens for the order to stop. A run that is resumed, however often it was killed
and wherever, ends with exactly the weights of one that was left alone (same device kind and thread count): every random
number follows from seed and step, and `state.State` holds the rest.

Several processes train one model in the same way: `ranks.Ranks` says what they do together. All of them run this loop step by step;
the first one alone reads and writes checkpoints, and its reporter is the one that is heard.
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
from pipeline.lookup import load
from pipeline.training import OPTIMIZERS
from pipeline.training.early_stopping import Patience
from pipeline.training.order import TORCH, random
from pipeline.training.precision import Weights, add_l1, clip
from pipeline.training.ranks import ALONE, Ranks
from pipeline.training.schedule import factor
from pipeline.training.state import State, read_state, read_tensors, write_checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pipeline.models.base import Batch, TextModel
    from pipeline.recipe.training import Training
    from pipeline.reporter import Checkpoints, Reporter
    from pipeline.training.base import Feed, Optimizer
    from pipeline.training.device import ComputeSetup

logger = logging.getLogger(__name__)

REPORT_EVERY = 10
"""Steps between two training metrics."""


@dataclass(frozen=True)
class Setup:
    """What to train, on what, and how."""

    model: TextModel
    """In fp32 on the CPU, with the weights to start from."""
    feed: Feed
    params: Training
    machine: ComputeSetup
    """Used on a first start; a resumed run uses what its checkpoint recorded."""
    l1: float = 0.0
    """Weight of the L1 penalty."""
    patience: int | None = None
    """Looks without improvement before stopping; None trains all steps and keeps the last weights."""
    ranks: Ranks = ALONE
    """The processes that train together."""


@dataclass(frozen=True)
class Trained:
    """How a run ended."""

    weights: dict[str, Tensor]
    """Fp32 weights by name: the best look's with early stopping, the last ones otherwise. Of the first rank only."""
    history: list[dict[str, float]]
    """One row per look at the validation split."""
    machine: ComputeSetup
    steps: int
    """Optimizer steps done."""
    processes: str
    """How many processes trained; where that changed, from which step on: ``2, 1 from step 40``."""


def train(setup: Setup, reporter: Reporter, checkpoints: Checkpoints) -> Trained:
    """Train to the end, from the newest checkpoint if there is one.

    Raises:
        Preempted: told to stop; a checkpoint was saved.
        BadInput: the loss diverged.
        Damaged: the newest checkpoint does not fit.
    """
    run = _Run(setup, reporter, checkpoints)
    while run.state.step < setup.params.steps and not run.state.stopped:
        if setup.ranks.any(reporter.stopping()):
            run.save()
            raise Preempted(f"told to stop after step {run.state.step}", "", "the next attempt goes on from there")
        run.step()
    return Trained(run.best or run.weights.exact, run.state.history, run.state.machine, run.state.step, run.state.told_processes)


class _Run:
    """A run in progress."""

    def __init__(self, setup: Setup, reporter: Reporter, checkpoints: Checkpoints) -> None:
        self.setup, self.reporter, self.checkpoints, self.ranks = setup, reporter, checkpoints, setup.ranks
        newest = checkpoints.newest() if self.ranks.first else None
        begun = read_state(newest) if newest else State(setup.machine, Patience(setup.patience))
        self.state = self.ranks.same(begun)
        self.device = self.state.machine.prepare()
        self.model = setup.model.to(self.device)
        self.model.use_kernel(self.state.machine.kernel)
        self.weights = Weights(self.model, self.state.machine.precision)
        self.optimizer: Optimizer = load("optimizer", OPTIMIZERS, setup.params.optimizer)(
            self.weights.exact, self.weights.matrices, setup.params, self.model.core.dtype
        )
        self.best: dict[str, Tensor] = {}
        if newest:
            self.best = read_tensors(newest, self.weights.exact, self.optimizer.state())
            logger.info("resumed at step %d", self.state.step)
        self.ranks.spread(self.weights.exact)
        self.ranks.spread(self.optimizer.state())
        self.weights.publish()
        if self.state.resized(self.ranks.size):
            logger.warning("%s: the same batches, but sums in another order: the last bits may differ", self.state.told_processes)
        self.saved = self.ranks.same(self.state.step if newest else -1)
        self.validation: Sequence[Batch] = [batch.to(self.device) for batch in self.ranks.share(list(setup.feed.validation()))]
        self.clock, self.tokens = time.perf_counter(), 0

    def step(self) -> None:
        """One optimizer step and what is due after it."""
        params, state = self.setup.params, self.state
        batch = self.setup.feed.batch(state.step)
        state.step += 1
        share = factor(state.step, params.steps, params.warmup, params.decay)
        loss = self._learn(batch, share)
        state.since_look.add(loss)
        state.since_report.add(loss)
        self.tokens += batch.tokens
        last = state.step == params.steps
        if state.step % REPORT_EVERY == 0 or last:
            self._report(share)
        if state.step % params.evaluate_every == 0 or last:
            self._look(share)
        # the last step too: its metrics are sent with a checkpoint, so that a crash before the commit does not send them twice
        if state.step % params.checkpoint_every == 0 or last or state.stopped:
            self.save()

    def save(self) -> None:
        """Checkpoint, unless this very step is saved already."""
        if self.saved == self.state.step:
            return
        self.ranks.compare(self.weights.exact, self.state.step)
        if self.ranks.first:
            with TemporaryDirectory(prefix="checkpoint-") as folder:
                write_checkpoint(Path(folder), self.state, self.weights.exact, self.optimizer.state(), self.best)
                self.checkpoints.save(self.state.step, Path(folder))
        # the others wait until it is committed: one that ended before would have the first one stopped
        self.ranks.meet()
        self.saved = self.state.step

    def _learn(self, batch: Batch, share: float) -> float:
        """Forward, back, clip, move; returns the loss per label, in nats."""
        loss = self._backward(batch)
        gradients = self.weights.gradients()
        self.ranks.add(gradients)
        add_l1(gradients, self.weights, self.setup.l1)
        clip(gradients, self.setup.params.clip, self.state.step)
        self.optimizer.step(gradients, share, self.state.step)
        self.weights.publish()
        return self.ranks.sums(loss)[0]

    def _backward(self, batch: Batch) -> float:
        """Forward and back over this rank's rows; returns their part of the loss per label of the whole batch."""
        drawn = random(self.setup.params.seed, TORCH, self.state.step).integers(2**62, size=self.ranks.number + 1)
        torch.manual_seed(int(drawn[self.ranks.number]))
        own = self.ranks.rows(batch)
        if own.labels == 0:
            return 0.0
        each_N = self.model.train()(own.to(self.device))
        loss = each_N.mean() if self.ranks.alone else each_N.sum() / batch.labels
        loss.backward()
        return float(loss.detach())

    def _report(self, share: float) -> None:
        """Tell the reporter how it goes."""
        now = time.perf_counter()
        speed = self.tokens / max(now - self.clock, 1e-9)
        self.clock, self.tokens = now, 0
        loss, rate = self.state.since_report.take(), self.setup.params.learning_rate * share
        self.reporter.metrics(self.state.step, {"train/loss": loss, "learning_rate": rate, "tokens_per_s": speed})
        self.reporter.progress(self.state.step, self.setup.params.steps, "steps", loss=loss, tokens_per_s=speed)

    def _look(self, share: float) -> None:
        """Look at the validation split; keep the best weights and stop early where that is wanted."""
        began, state = time.perf_counter(), self.state
        found = self._validation_loss()
        rate = self.setup.params.learning_rate * share
        state.history.append({"step": state.step, "loss": state.since_look.take(), "validation_loss": found, "learning_rate": rate})
        self.reporter.metrics(state.step, {"validation/loss": found})
        if state.patience.looks is not None:
            if state.patience.better(found) and self.ranks.first:
                self.best = {name: weight.clone() for name, weight in self.weights.exact.items()}
            state.stopped = state.patience.exhausted
        logger.info("step %d: validation loss %.4f%s", state.step, found, ", stopping early" if state.stopped else "")
        self.clock += time.perf_counter() - began  # looking is not training: keep it out of the throughput

    @torch.inference_mode()
    def _validation_loss(self) -> float:
        """Nats per label over the whole validation split."""
        self.model.eval()
        total, labels = 0.0, 0.0
        for batch in self.validation:
            each_N = self.model(batch)
            total, labels = total + float(each_N.double().sum()), labels + len(each_N)
        total, labels = self.ranks.sums(total, labels)
        return total / labels
