"""Text in, text out.

Truncation, prompt and decoding are defined here only. Every registered model ships this module, so it may import only what
`pipeline.serving.package` copies: `pipeline.models`, `pipeline.tokens.prompt`, `pipeline.errors`, `pipeline.lookup`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import BadInput
from pipeline.models.files import load_model
from pipeline.models.generate import generate
from pipeline.tokens.prompt import source_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.models.files import Loaded

BATCH = 64
CHUNK = 8
"""Batches per call of `generate`: it copies the weights once a call, and sorts by length within a call."""


class Answerer:
    """Turns texts into outputs with a loaded model."""

    def __init__(self, loaded: Loaded, batch: int = BATCH) -> None:
        """Wrap a model that is already in memory.

        Args:
            loaded: model, tokenizer and info.
            batch: texts answered at once; changes speed and memory, not answers.
        """
        self.loaded = loaded
        self.batch = batch

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", batch: int = BATCH) -> Answerer:
        """Load the model of a folder that `pipeline.models.files.save_model` wrote.

        Args:
            folder: the model's files.
            device: name of the torch device to run on.
            batch: texts answered at once.

        Raises:
            BadInput: the folder does not hold a model.
        """
        return cls(load_model(folder, device), batch)

    def encode(self, texts: Sequence[str], names: Sequence[str] | None = None) -> list[list[int]]:
        """Token ids of the prompts, cut to the length that the model was trained on.

        Args:
            texts: what to read.
            names: a title for each text; an empty string, or None for all, means no title.

        Raises:
            BadInput: not as many names as texts.
        """
        named = list(names) if names is not None else [""] * len(texts)
        if len(named) != len(texts):
            raise BadInput(
                f"{len(named)} names for {len(texts)} texts", "one name for each text", "pass a name for every text, or no names"
            )
        prompts = [source_text(name, text) for name, text in zip(named, texts, strict=True)]
        self.loaded.tokenizer.encode_special_tokens = True  # "<eos>" in a text is five characters, as it was in training
        encoded = self.loaded.tokenizer.encode_batch(prompts, add_special_tokens=False)
        return [row.ids[: self.loaded.info.max_source_tokens] for row in encoded]

    def answer(
        self,
        texts: Sequence[str],
        names: Sequence[str] | None = None,
        on_progress: Callable[[int], object] = lambda _: None,
        on_token: Callable[[], object] = lambda: None,
    ) -> list[str]:
        """Write an output for each text, in the order of the texts.

        Texts of similar length are decoded together, which saves padding.

        Args:
            texts: what to read.
            names: a title for each text, or None.
            on_progress: called after each chunk with the number of texts answered so far.
            on_token: called after each token of a batch.

        Raises:
            BadInput: not as many names as texts.
        """
        sources = self.encode(texts, names)
        order = sorted(range(len(sources)), key=lambda index: (len(sources[index]), index))
        answers = [""] * len(sources)
        step = CHUNK * self.batch
        for start in range(0, len(order), step):
            chosen = order[start : start + step]
            limit = self.loaded.info.max_target_tokens
            written = generate(self.loaded, [sources[index] for index in chosen], limit, self.batch, on_token)
            for index, ids in zip(chosen, written, strict=True):
                answers[index] = self.loaded.tokenizer.decode(ids, skip_special_tokens=True).strip()
            on_progress(start + len(chosen))
        return answers
