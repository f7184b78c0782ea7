"""Tokens that our training loop and transformers' Trainer read in a second: the same GPT-2, fp32, 8 rows of 256 tokens a step, no dropout."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from benchmarks.made import SIZES, make_tokenizer_folder, texts

from pipeline.models.architecture import make_config
from pipeline.recipe import Model, Pretraining
from pipeline.reporter import SilentReporter
from pipeline.tokens.token_writer import TokenWriter, dtype_for
from pipeline.tokens.tokenizer_folder import load_tokenizer, read_vocabulary
from pipeline.training.job import TrainingJob
from pipeline.training.pretrain import pretrain_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROWS, LENGTH = 8, 256
STEPS, WARM = 9, 3
"""Steps of one run, and how many of them are not counted."""
ROUNDS = 3
DOCUMENTS = 600

Clock = list[tuple[float, float]]
"""Wall and CPU time, in seconds, at the end of each step."""
Row = tuple[str, str, str]


def training_rows() -> list[Row]:
    """Rows for the table."""
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as folder:
        tokens = _write_tokens(Path(folder, "tokens"))
        systems: dict[str, Callable[[], Clock]] = {
            "adamw": lambda: _ours(tokens, "adamw"),
            "muon": lambda: _ours(tokens, "muon"),
            "trainer": lambda: _trainer(tokens),
        }
        rounds = [{name: _speed(run()) for name, run in systems.items()} for _ in range(ROUNDS)]
    found = []
    for name, title in (("adamw", "AdamW"), ("muon", "Muon")):
        ratios, by_cpu = ([one[name][part] / one["trainer"][part] for one in rounds] for part in range(2))
        own, other = (statistics.median(one[system][0] for one in rounds) for system in (name, "trainer"))
        figure = (
            f"{statistics.median(ratios):.2f} x the speed ({min(ratios):.2f} to {max(ratios):.2f}); by CPU time "
            f"{statistics.median(by_cpu):.2f} x; {own:,.0f} against {other:,.0f} tokens/s"
        )
        found.append((f"training of a small GPT-2 with {title}, against transformers' Trainer with AdamW", figure, ""))
    return found


def _speed(clock: Clock) -> tuple[float, float]:
    """Tokens in a second of wall time, and of CPU time."""
    (wall, cpu), (end, cpu_end), steps = clock[WARM - 1], clock[-1], len(clock) - WARM
    return ROWS * LENGTH * steps / (end - wall), ROWS * LENGTH * steps / (cpu_end - cpu)


def _write_tokens(folder: Path) -> Path:
    """Streams of texts that fill their rows to the end, so that both sides read as many tokens."""
    tokenizer = load_tokenizer(make_tokenizer_folder(folder / "tokenizer", 8192))
    (folder / "streams").mkdir()
    ids = np.concatenate([tokenizer(text)["input_ids"] for text in texts(DOCUMENTS)]).astype(np.int64)
    pieces = np.split(ids[: len(ids) // (LENGTH + 1) * (LENGTH + 1)], len(ids) // (LENGTH + 1))
    for split, part in (("train", pieces[ROWS:]), ("validation", pieces[:ROWS])):
        with TokenWriter(folder / "streams" / split, dtype_for(len(tokenizer))) as writer:
            for piece in part:
                writer.add(piece)
    return folder


class StepClock(SilentReporter):
    """Notes the time between steps: the loop asks there whether it must stop."""

    def __init__(self) -> None:
        self.clock: Clock = []

    def stopping(self) -> bool:
        """Never."""
        self.clock.append((time.perf_counter(), time.process_time()))
        return False


class NoCheckpoints:
    """Checkpoints that nobody keeps."""

    def newest(self) -> Path | None:
        """None."""
        return None

    def save(self, step: int, folder: Path) -> None:
        """Nothing."""


def _ours(tokens: Path, optimizer: str) -> Clock:
    """Our loop. Validation and checkpoint come after the last counted step."""
    family, _, config = SIZES["gpt2"]
    reporter = StepClock()
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as folder:
        job = TrainingJob(
            tokens=tokens,
            model=Model(family=family, context=LENGTH, config=config),
            output=Path(folder),
            device="cpu",
            threads=torch.get_num_threads(),
            reporter=reporter,
            checkpoints=NoCheckpoints(),
        )
        params = Pretraining(objective="causal_lm", steps=STEPS + 1, batch=ROWS, optimizer=optimizer, precision="fp32", dropout=0.0)
        pretrain_model(job, params)
    return reporter.clock[: STEPS + 1]


class TrainerClock(transformers.TrainerCallback):  # type: ignore[misc]
    """Notes the time after each step."""

    def __init__(self) -> None:
        self.clock: Clock = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Note it."""
        self.clock.append((time.perf_counter(), time.process_time()))


def _trainer(tokens: Path) -> Clock:
    """transformers' Trainer on rows of as many tokens."""
    from pipeline.models.architecture import Architecture
    from pipeline.training.token_folder import open_tokens

    family, _, config = SIZES["gpt2"]
    stream, vocabulary = open_tokens(tokens).stream("train"), read_vocabulary(tokens / "tokenizer")
    torch.use_deterministic_algorithms(mode=False)
    model = transformers.GPT2LMHeadModel(make_config(Architecture(family, LENGTH, config), vocabulary, 0.0))
    clock = TrainerClock()
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            max_steps=STEPS + 1,
            per_device_train_batch_size=ROWS,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        rows = [_example(stream[index]) for index in range(len(stream))]
        transformers.Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[clock]).train()
    return clock.clock[: STEPS + 1]


def _example(piece: NDArray[np.integer[Any]]) -> dict[str, torch.Tensor]:
    ids = torch.from_numpy(piece[:LENGTH].astype(np.int64))
    return {"input_ids": ids, "labels": ids}
