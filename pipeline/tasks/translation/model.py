"""A model that translates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.tasks.written.model import WrittenModel
from pipeline.tokens.languages import find_language, language_ids

if TYPE_CHECKING:
    from pipeline.tasks.translation.section import Translation
    from pipeline.tasks.written.feed import WrittenFeed
    from pipeline.training.base import FeedInputs


class TranslationModel(WrittenModel):
    """What training, evaluation and serving ask of translation."""

    def __init__(self, task: Translation) -> None:
        """Take limits, languages and generation settings of the recipe."""
        super().__init__(task)
        self._translation = task

    def feed(self, inputs: FeedInputs) -> WrittenFeed:
        """Batches of sources and targets.

        Where all answers begin with one language, the model's own generation settings say so (``forced_bos_token_id``): the saved
        folder then answers in it by transformers alone.
        """
        task, tokens = self._translation, inputs.tokens
        settings = inputs.model.core.generation_config
        settings.forced_bos_token_id = None
        if task.given_tokens and task.target_language:
            known = language_ids(load_content_tokenizer(tokens.tokenizer), tokens.vocabulary)
            settings.forced_bos_token_id = find_language(known, task.target_language, "task.target_language")
        return super().feed(inputs)
