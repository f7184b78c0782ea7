"""The steps of a recipe in one process: corpus, import, tokens, pretraining, fine-tuning, report, each in a folder of its own."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from components.evaluation.__main__ import measure, predict
from pipeline.corpus.ingest import ingest_corpus
from pipeline.evaluation.evaluate import EvaluationJob, evaluate_model
from pipeline.extension_points import table
from pipeline.pretrained.import_folder import import_weights
from pipeline.recipe import read_recipe
from pipeline.recipe.start import Start
from pipeline.reporter import SilentReporter
from pipeline.settings import load_settings
from pipeline.starts import fetch_start, pin_start
from pipeline.tasks.parts import part
from pipeline.tokens.tokenize import tokenize_corpus
from pipeline.training.device import choose_threads, find_device
from pipeline.training.finetune import finetune_model
from pipeline.training.job import TrainingJob
from pipeline.training.pretrain import pretrain_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.recipe import Recipe

SECONDS = "seconds.json"


class NoCheckpoints:
    """A training that is not resumed."""

    def newest(self) -> None:
        """There is none."""

    def save(self, step: int, folder: Path) -> None:
        """Nothing is kept."""


@dataclass(frozen=True)
class Run:
    """A recipe, the folder of its steps, and what to compute on."""

    recipe: Recipe
    folder: Path
    device: str
    threads: int | None

    def step(self, place: Path, work: Callable[[Path], object]) -> Path:
        """Do one step, unless its folder is there already; note how long it took."""
        if not place.is_dir():
            unfinished = place.with_name(place.name + ".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            began = time.perf_counter()
            work(unfinished)
            seconds = time.perf_counter() - began
            unfinished.rename(place)
            place.with_name(f"{place.name}.{SECONDS}").write_text(json.dumps(round(seconds, 1)))
        return place

    def seconds(self, name: str) -> float:
        """How long a step took, in seconds; 0 for one that the recipe does not have."""
        file = self.folder / f"{name}.{SECONDS}"
        return float(json.loads(file.read_bytes())) if file.is_file() else 0.0

    def corpus(self, place: Path) -> Path:
        """Ingest."""
        settings, data = load_settings(), self.recipe.data

        def ingest(output: Path) -> None:
            pin = table("trainshed.sources").load(data.source.kind)(data.source, settings)
            ingest_corpus(data, part(self.recipe.task, "examples"), pin, output, settings, SilentReporter())

        return self.step(place, ingest)

    def imported(self, cache: Path) -> Path | None:
        """Import the weights that the recipe starts from, once for all recipes; None for a new model."""
        address = self.recipe.model.start
        if address is None:
            return None
        start, settings = Start(address=address, words=self.recipe.tokenizer.words), load_settings()

        def bring(output: Path) -> None:
            fetched = output.with_name(output.name + ".fetched")
            shutil.rmtree(fetched, ignore_errors=True)
            for folder in (fetched / "files", fetched / "scratch"):
                folder.mkdir(parents=True)
            files = fetch_start(start, pin_start(start, settings), fetched / "files", settings, SilentReporter())
            import_weights(files, output, fetched / "scratch", start.words or ())
            shutil.rmtree(fetched)

        return self.step(cache / address.replace("/", "_").replace(":", "_"), bring)

    def tokens(self, corpus: Path, start: Path | None) -> Path:
        """Tokenize."""
        recipe, threads, home = self.recipe, choose_threads(self.threads), load_settings().home
        encode, languages = part(recipe.task, "encode"), recipe.task.language_tokens

        def tokenize(output: Path) -> None:
            tokenize_corpus(corpus, recipe.tokenizer, encode, output, SilentReporter(), threads, home, start, languages)

        return self.step(self.folder / "tokens", tokenize)

    def base(self, tokens: Path, start: Path | None) -> Path | None:
        """Pretrain if the recipe asks for it; otherwise what training starts from."""
        params = self.recipe.pretraining
        if params is None:
            return start
        result = None if self.recipe.finetuning else self.recipe.task.model_dump(mode="json", exclude_none=True)
        return self.step(self.folder / "base", lambda output: pretrain_model(self._job(tokens, output, start), params, result))

    def model(self, tokens: Path, base: Path | None) -> Path:
        """Fine-tune if the recipe asks for it; otherwise the base is the model."""
        tuning = self.recipe.finetuning
        if tuning is None:
            assert base is not None  # a recipe without fine-tuning pretrains
            return base
        task, section = part(self.recipe.task, "model"), self.recipe.task.model_dump(mode="json", exclude_none=True)
        return self.step(self.folder / "model", lambda output: finetune_model(self._job(tokens, output, base), tuning, task, section))

    def report(self, corpus: Path, model: Path, start: Path | None) -> dict[str, Any]:
        """Evaluate; the report as data."""
        scoring = part(self.recipe.task, "scoring")

        def score(output: Path) -> None:
            answers = measure if scoring.answers == "none" else predict
            device, threads = find_device(self.device).type, choose_threads(self.threads)
            evaluate_model(
                EvaluationJob(corpus, model, output, device, threads, SilentReporter(), scoring, answers, start), self.recipe.evaluation
            )

        folder = self.step(self.folder / "report", score)
        found: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
        return found

    def _job(self, tokens: Path, output: Path, base: Path | None) -> TrainingJob:
        return TrainingJob(tokens, self.recipe.model, output, self.device, self.threads, SilentReporter(), NoCheckpoints(), base=base)


def changed_recipe(shipped: Path, changes: Mapping[str, Any], folder: Path) -> Recipe:
    """A shipped recipe with other values, checked like one that a person wrote.

    Args:
        shipped: the recipe's file.
        changes: dotted field → new value; None removes it.
        folder: where the changed file is kept.

    Raises:
        BadInput: the changed recipe is not valid.
    """
    data = yaml.safe_load(shipped.read_bytes())
    for dotted, value in changes.items():
        *parents, leaf = dotted.split(".")
        place = data
        for name in parents:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(leaf, None)
        else:
            place[leaf] = value
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / shipped.name
    file.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
    return read_recipe(file)
