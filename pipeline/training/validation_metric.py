"""The metric that early stopping looks at where a recipe names one (``finetuning.stop_on``).

The examples are a sample of the whole validation split, chosen by hash. The model answers them with the code of evaluation: the
task's own predictions, compared by the metric's own statistics. Nothing here touches the state of training: random generators are put
back, so a run that draws answers at random ends with the bits of its seed and resumes exactly.

Ranks share the examples. Where the answer to one example depends on the others, as in retrieval, every rank answers all. Rank 0
computes the score, and all ranks take it from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.corpus.choose_examples import choose_examples
from pipeline.corpus.read_corpus import read_documents
from pipeline.errors import BadInput
from pipeline.metrics.base import Prediction
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.models.files import Loaded
from pipeline.recipe.training import STOP_EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document
    from pipeline.models.info import ModelInfo
    from pipeline.models.text_model import TextModel
    from pipeline.recipe import Finetuning
    from pipeline.reporter import Reporter
    from pipeline.training.base import AnsweringTask, AnswerScoring
    from pipeline.training.job import TrainingJob
    from pipeline.training.token_folder import TokenFolder

FIELD = "finetuning.stop_on"
BATCH = 64
"""Examples answered at once, as in evaluation."""

SEED = 0
"""Of the sample, and of answers that are drawn at random: every validation asks the same questions with the same luck."""


class ValidationMetric:
    """One metric on a sample of the validation split.

    Attributes:
        name: of the metric.
        higher_is_better: its direction.
    """

    def __init__(
        self, job: TrainingJob, params: Finetuning, task: AnsweringTask, scoring: AnswerScoring, tokens: TokenFolder, info: ModelInfo
    ) -> None:
        """Choose the examples.

        Args:
            job: the corpus, the reporter and the processes that train.
            params: the name of the metric, and how many examples.
            task: how a model answers.
            scoring: how the task's answers are compared.
            tokens: the tokenizer to encode and decode with.
            info: what the model is.

        Raises:
            BadInput: the metric does not compare such answers, or no validation document has an expected answer.
        """
        assert job.corpus is not None  # the line hands it in wherever a recipe names a metric
        self._metric = scoring.metric(params.stop_on or "", FIELD)
        self.name, self.higher_is_better = self._metric.name, self._metric.higher_is_better
        self._task, self._group, self._progress = task, job.process_group, _Heartbeat(job.reporter)
        self._split = scoring.separable and not self._group.is_single
        wanted = params.stop_examples or STOP_EXAMPLES
        self._documents, self._references = choose_examples(read_documents(job.corpus, "validation"), scoring.reference, wanted, SEED)
        if not self._documents:
            raise BadInput(f"no document of the validation split has an answer for {FIELD}", "", "bring more data, or remove the field")
        self._folder, self._tokenizer, self._info = tokens.tokenizer, load_content_tokenizer(tokens.tokenizer), info

    def __call__(self, model: TextModel) -> float:
        """The model's score; the same on every rank.

        Raises:
            BadInput: the task's predictions lack what the metric reads.
        """
        loaded = Loaded(model.eval(), self._tokenizer, self._info, self._folder)
        documents = self._group.shard(list(self._documents)) if self._split else self._documents
        devices = [loaded.device] if loaded.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.inference_mode():
            torch.manual_seed(SEED)
            said = self._predict(loaded, documents) if documents else []
        return self._group.broadcast_object(self._score(self._group.gather_shards(said) if self._split else said))

    def _predict(self, loaded: Loaded, documents: Sequence[Document]) -> list[Prediction]:
        """What the metric reads of each answer: a likelihood needs no answer, and an answer no likelihood."""
        if self._metric.needs in ("likelihood", "tokens"):
            found = self._task.likelihoods(loaded, documents, BATCH, self._progress)
            return [Prediction(likelihood=one) for one in found or ()]
        predictions = self._task.predict(loaded, documents, BATCH, self._progress)
        return [prediction._replace(numbers=None) for prediction in predictions]

    def _score(self, predictions: Sequence[Prediction]) -> float:
        if not self._group.is_main:
            return 0.0  # rank 0's counts
        if len(predictions) < len(self._references) or not self._metric.applies_to(predictions):
            raise BadInput(f"{FIELD} {self.name} for a task that gives no {self._metric.needs}", "", "name another metric")
        return float(self._metric.value(self._metric.statistics(self._references, predictions).sum(axis=0)))


class _Heartbeat:
    """Progress of a validation: the watchdog sees that it is alive, and the bar of the training stays."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def report(self, done: int) -> None:  # noqa: ARG002 - the bar counts steps
        """A heartbeat."""
        self._reporter.beat()

    def beat(self) -> None:
        """A heartbeat."""
        self._reporter.beat()
