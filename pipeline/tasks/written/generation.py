"""Texts that a model writes after prompts, by the recipe's generation settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.models.generate import generate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.models.files import Loaded
    from pipeline.tasks.base import Progress
    from pipeline.tasks.section import Generation

CHUNK = 8
"""Batches per call: enough to sort by length, few enough for regular progress."""


def write_texts(
    loaded: Loaded,
    prompts: Sequence[Sequence[int]],
    longest: int,
    settings: Generation,
    batch: int,
    progress: Progress,
    begins: Sequence[Sequence[int]] | None = None,
) -> list[str]:
    """Write a text after each prompt.

    Args:
        loaded: the model.
        prompts: token ids, special tokens included; an empty one gives an empty text.
        longest: longest text, in tokens.
        settings: the recipe's.
        batch: prompts answered at once.
        progress: gets the number of texts written so far, and a heartbeat for each token of a batch.
        begins: what each text begins with; the model is given it.
    """
    order = sorted(range(len(prompts)), key=lambda index: (len(prompts[index]), index))
    texts = [""] * len(prompts)
    for start in range(0, len(order), CHUNK * batch):
        chosen = order[start : start + CHUNK * batch]
        arguments = generation_arguments(settings)
        given = [begins[index] for index in chosen] if begins else None
        written = generate(loaded, [prompts[index] for index in chosen], longest, arguments, batch, progress.beat, given)
        for index, ids in zip(chosen, written, strict=True):
            texts[index] = loaded.tokenizer.decode(ids, skip_special_tokens=True)
        progress.report(start + len(chosen))
    return texts


def generation_arguments(settings: Generation) -> dict[str, Any]:
    """The settings under the names of transformers' ``GenerationConfig``."""
    given = settings.model_dump(exclude_none=True)
    return {"num_beams": given.pop("beams"), "do_sample": given.pop("sample"), **given}
