"""A model that answers conversations: its head, its feed, and its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pipeline.families.kinds import Head, Kind
from pipeline.metrics.base import Likelihood, Prediction
from pipeline.models.build import HeadSpec
from pipeline.models.collate import collate_rows, round_up, text_document
from pipeline.models.losses import token_losses
from pipeline.tasks.chat.encode import messages_of
from pipeline.tasks.chat.messages import ASSISTANT
from pipeline.tasks.parts import part
from pipeline.tasks.written.generation import write_texts
from pipeline.tokens.text_encoder import encoder_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document
    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.chat.encode import Encode
    from pipeline.tasks.chat.feed import ChatFeed
    from pipeline.tasks.chat.section import Chat
    from pipeline.tasks.chat.template import ChatTemplate
    from pipeline.training.base import FeedInputs


class ChatModel:
    """What training, evaluation and serving ask of chat."""

    def __init__(self, task: Chat) -> None:
        """Take limits, template and generation settings of the recipe."""
        self._task = task
        self._encode: Encode = part(task, "encode")
        self._kept: tuple[Loaded, ChatTemplate] | None = None

    def head(self, kind: Kind, labels: tuple[str, ...]) -> HeadSpec:  # noqa: ARG002 - a TrainedTask's signature
        """The head that predicts tokens.

        Raises:
            BadInput: the model is not a decoder.
        """
        self._task.check_kind(kind)
        return HeadSpec(Head.CAUSAL_LM)

    def feed(self, inputs: FeedInputs) -> ChatFeed:
        """Packed conversations."""
        from pipeline.tasks.chat.feed import ChatFeed  # a served model ships no training

        return ChatFeed(inputs, self._task)

    def predict(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Prediction]:
        """Write the next message of each conversation."""
        template = self._template(loaded)
        prompts = [self._encode.prompt(document, template).tolist() if document.pair else [] for document in documents]
        texts = write_texts(loaded, prompts, self._task.max_target_tokens, self._task.generation, batch, progress)
        return [Prediction(text.strip()) for text in texts]

    @torch.inference_mode()
    def likelihoods(self, loaded: Loaded, documents: Sequence[Document], batch: int, progress: Progress) -> list[Likelihood]:
        """How probable the model finds the last message of each conversation, its end token included."""
        encoder = encoder_of(loaded)
        template, found = self._template(loaded), []
        for start in range(0, len(documents), batch):
            rows, sizes = [], []
            for document in documents[start : start + batch]:
                rendered = template.render([*messages_of(document), {"role": ASSISTANT, "content": document.target or ""}])
                predicted = rendered.predicted.copy()
                predicted[: rendered.last] = False
                end = int(predicted.nonzero()[0][-1]) + 1
                begin = max(0, end - loaded.info.context)
                rows.append([text_document(rendered.ids[begin:end], predicted[begin:end])])
                sizes.append((int(predicted[begin + 1 : end].sum()), len((document.target or "").encode())))
            packed = collate_rows(rows, round_up(max(len(row[0]) for row in rows)), encoder.vocabulary.pad)
            nats = token_losses(loaded.model, packed.to(loaded.device)).double().cpu().tolist()
            for count, size in sizes:
                found.append(Likelihood(sum(nats[:count]), count, size))
                nats = nats[count:]
            progress.beat()
            progress.report(len(found))
        return found

    def _template(self, loaded: Loaded) -> ChatTemplate:
        """The template of a model, kept for the next request: a tokenizer of 49,152 tokens takes 0.14 s to load."""
        kept = self._kept
        if kept is None or kept[0] is not loaded:
            kept = self._kept = loaded, self._encode.template(encoder_of(loaded))
        return kept[1]
