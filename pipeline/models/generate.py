"""Writing answers with transformers' `generate()`, in batches, the same for evaluation and for serving.

Prompts of similar length share a batch, padded to the longest of them; a decoder is padded at the left. Padding is masked, so what
else is in a batch changes the sums of an example by rounding only.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from pipeline.families.kinds import Kind
from pipeline.models.architecture import decoder_start
from pipeline.models.collate import round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from transformers import PreTrainedModel

    from pipeline.models.files import Loaded


def generate(
    loaded: Loaded,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    settings: Mapping[str, Any] | None = None,
    batch: int = 64,
    on_token: Callable[[], object] = lambda: None,
    begins: Sequence[Sequence[int]] | None = None,
) -> list[list[int]]:
    """Write an answer for each prompt.

    Args:
        loaded: the model.
        prompts: token ids of each prompt, special tokens included; an empty one gives an empty answer.
        max_new_tokens: longest answer.
        settings: arguments of transformers' ``GenerationConfig``, e.g. ``{"num_beams": 4}``.
        batch: prompts answered at once; changes speed and memory, not answers beyond rounding.
        on_token: called after each token of a batch.
        begins: encoder-decoders only: what each answer begins with, all of one length, e.g. its language. It is not part of the answer.

    Returns:
        The ids of each answer, without special tokens.
    """
    answers: list[list[int]] = [[] for _ in prompts]
    order = sorted((index for index in range(len(prompts)) if len(prompts[index])), key=lambda index: (len(prompts[index]), index))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        length = round_up(len(prompts[chosen[-1]]))
        given = [begins[index] if begins else () for index in chosen]
        written = _write(loaded, [prompts[index] for index in chosen], given, length, max_new_tokens, settings or {}, on_token)
        for index, answer in zip(chosen, written, strict=True):
            answers[index] = answer
    return answers


@torch.inference_mode()
def _write(
    loaded: Loaded,
    prompts: list[Sequence[int]],
    begins: list[Sequence[int]],
    length: int,
    max_new_tokens: int,
    settings: Mapping[str, Any],
    on_token: Callable[[], object],
) -> list[list[int]]:
    """Answer one batch."""
    vocabulary, model = loaded.info.vocabulary, loaded.model
    left = model.kind is Kind.DECODER
    ids = torch.full((len(prompts), length), vocabulary.pad)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        part = slice(length - len(prompt), None) if left else slice(0, len(prompt))
        ids[row, part], mask[row, part] = torch.tensor(list(prompt)), 1
    room = max_new_tokens if not left else min(max_new_tokens, max(1, loaded.info.context - max(map(len, prompts))))
    inputs = {"attention_mask": mask} if left else {"attention_mask": mask, "decoder_input_ids": _decoder_begins(loaded, begins)}
    begin = length if left else 1 + len(begins[0])
    return generate_with(loaded, {"inputs": ids, **inputs}, begin, room, settings, on_token)


def generate_with(
    loaded: Loaded,
    inputs: Mapping[str, torch.Tensor],
    begin: int,
    room: int,
    settings: Mapping[str, Any],
    on_token: Callable[[], object],
) -> list[list[int]]:
    """Answer one batch.

    Args:
        loaded: the model.
        inputs: tensors that transformers' ``generate`` takes, by the names of its arguments; the first dimension is the row.
        begin: tokens at the start of each row of the result that are given and no part of the answer.
        room: longest answer, in tokens.
        settings: as of `generate`.
        on_token: called after each token.
    """
    vocabulary, core = loaded.info.vocabulary, loaded.model.core
    with _without_settings(core):
        written = core.generate(
            **{name: tensor.to(loaded.device) for name, tensor in inputs.items()},
            stopping_criteria=[_pulse(on_token)],
            **_arguments(loaded, room, settings),
        )
    special = frozenset(vocabulary.special) | {vocabulary.pad}
    return [_until_end(row[begin:].tolist(), vocabulary.eos, special) for row in written]


def _decoder_begins(loaded: Loaded, begins: list[Sequence[int]]) -> torch.Tensor:
    """What the decoder reads before it writes: its start token, and what each answer begins with; shape [B, 1 + given]."""
    start = decoder_start(loaded.model.core.config, loaded.info.vocabulary)
    return torch.tensor([[start, *begin] for begin in begins])


@contextmanager
def _without_settings(core: PreTrainedModel) -> Iterator[None]:
    """Inside this context the model has no generation settings of its own: transformers fills in from them what is not stated."""
    from transformers import GenerationConfig

    own = core.generation_config
    core.generation_config = GenerationConfig()
    try:
        yield
    finally:
        core.generation_config = own


def _arguments(loaded: Loaded, room: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of ``generate``: all that decides the answer is stated, so that no file of a base model changes it."""
    from transformers import GenerationConfig

    vocabulary = loaded.info.vocabulary
    config = GenerationConfig(
        max_new_tokens=room,
        pad_token_id=vocabulary.pad,
        eos_token_id=vocabulary.eos,
        bos_token_id=vocabulary.bos,
        decoder_start_token_id=None if loaded.model.kind is Kind.DECODER else decoder_start(loaded.model.core.config, vocabulary),
        suppress_tokens=list(vocabulary.never_written) or None,
        **{"do_sample": False, **settings},
    )
    return {"generation_config": config}


def _until_end(ids: list[int], eos: int, special: frozenset[int]) -> list[int]:
    """The tokens before the end token, without special tokens."""
    return [token for token in (ids[: ids.index(eos)] if eos in ids else ids) if token not in special]


def _pulse(on_token: Callable[[], object]) -> Callable[..., torch.Tensor]:
    """A stopping rule of transformers that never stops: it only reports that a token was written."""

    def never(input_ids: torch.Tensor, scores: object, **_: object) -> torch.Tensor:  # noqa: ARG001 - transformers' protocol
        on_token()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)

    return never
