"""A model that writes answers: its head, its feed, and its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.families.kinds import LANGUAGE_HEAD, Kind
from pipeline.metrics.base import Likelihood, Prediction
from pipeline.models.architecture import context_of
from pipeline.models.build import HeadSpec
from pipeline.models.collate import prompt_ids
from pipeline.models.likelihood import negative_log_likelihoods
from pipeline.tasks.parts import part
from pipeline.tasks.written.generation import CHUNK, write_texts
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document
    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.section import WrittenAnswer
    from pipeline.tasks.written.encode import Encode
    from pipeline.tasks.written.feed import WrittenFeed
    from pipeline.training.base import FeedInputs


class WrittenModel:
    """What training, evaluation and serving ask of a task whose answer is a text."""

    def __init__(self, task: WrittenAnswer) -> None:
        """Take limits and generation settings of the recipe."""
        self._task = task
        self._encode: Encode = part(task, "encode")

    def head(self, kind: Kind, labels: tuple[str, ...]) -> HeadSpec:  # noqa: ARG002 - a TrainedTask's signature
        """The head that predicts tokens.

        Raises:
            BadInput: the model cannot write.
        """
        self._task.check_kind(kind)
        return HeadSpec(LANGUAGE_HEAD[kind])

    def feed(self, inputs: FeedInputs) -> WrittenFeed:
        """Batches of sources and targets."""
        from pipeline.tasks.written.feed import WrittenFeed  # a served model ships no training

        return WrittenFeed(inputs, self._task)

    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """Write an answer for each document."""
        encoder = encoder_of(loaded)
        sources = self._encode.sources(documents, encoder)
        prompts = [prompt_ids(source, encoder.vocabulary, loaded.model.kind).tolist() if len(source) else [] for source in sources]
        begins = [self._encode.begin(document, encoder) for document in documents]
        longest = self._task.max_target_tokens - self._task.given_tokens
        texts = write_texts(loaded, prompts, longest, self._task.generation, batch, progress, begins)
        return [Prediction(text.strip()) for text in texts]

    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Likelihood]:
        """How probable the model finds each document's target, given its source.

        The whole target counts, the end token included, even if training cut targets shorter. Only a context that is too short
        cuts it; the bytes of what was cut do not count either.
        """
        encoder = encoder_of(loaded)
        sources = [source.tolist() for source in self._encode.sources(documents, encoder)]
        texts = [document.target or "" for document in documents]
        answers, sizes, given = [], [], self._task.given_tokens
        for document, source, text, ids in zip(documents, sources, texts, encoder.encode(texts), strict=True):
            whole = [*self._encode.begin(document, encoder), *ids.tolist(), encoder.vocabulary.eos]
            kept = whole[: self._room(loaded, len(source))]
            answers.append(kept)
            sizes.append(len((text if len(kept) == len(whole) else loaded.tokenizer.decode(kept)).encode()))
        nats: list[float] = []
        for start in range(0, len(documents), CHUNK * batch):
            chunk = slice(start, start + CHUNK * batch)
            nats += negative_log_likelihoods(loaded, sources[chunk], answers[chunk], batch, progress.beat, given)
            progress.report(len(nats))
        return [Likelihood(found, len(answer) - given, size) for found, answer, size in zip(nats, answers, sizes, strict=True)]

    def _room(self, loaded: Loaded, source: int) -> int | None:
        """Longest answer that the model can read after a source of so many tokens; None where there is no limit."""
        if loaded.model.kind is Kind.DECODER:
            return max(1, loaded.info.context - source - len(prompt_ids([], loaded.info.vocabulary, Kind.DECODER)))
        return None if context_of(loaded.model.core.config) is None else loaded.info.context
