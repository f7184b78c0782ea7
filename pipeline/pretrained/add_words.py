"""Extend the tokenizer of a base by words of the domain.

A word that the tokenizer splits into pieces becomes one token. Its embedding is the mean of its pieces' embeddings, in the input and
in an output layer of its own, so the model begins with a sensible guess (Hewitt 2021, "Initializing new word embeddings").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from tokenizers import AddedToken

from pipeline.errors import BadInput
from pipeline.families.kinds import LANGUAGE_HEAD
from pipeline.models.build import HeadSpec, class_of, kind_of, read_config
from pipeline.tokens.tokenizer_folder import load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from transformers import PreTrainedModel


def add_words(folder: Path, words: Sequence[str]) -> int:
    """Add words to the tokenizer and the embeddings of a folder, in place.

    Args:
        folder: an ordinary transformers folder whose weights fill the model.
        words: the words; those that are one token already stay as they are.

    Returns:
        Number of words that were added.

    Raises:
        BadInput: a word holds white space only, or the tokenizer knows none of its letters.
    """
    tokenizer = load_tokenizer(folder)
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    pieces = {word: tokenizer.backend_tokenizer.encode(word, add_special_tokens=False).ids for word in dict.fromkeys(words)}
    new = {word: ids for word, ids in pieces.items() if len(ids) > 1}
    for word, ids in pieces.items():
        if not ids or set(ids) == {tokenizer.unk_token_id}:
            raise BadInput(
                f"tokenizer.words: the base's tokenizer knows nothing of {word!r}", "", "remove the word, or choose another base"
            )
    if not new:
        return 0
    # inside other words the letters stay pieces; the blank before a word stays a token of its own, so that decoding gives it back
    tokenizer.add_tokens([AddedToken(word, single_word=True, normalized=True) for word in new])
    numbers = {tokenizer.convert_tokens_to_ids(word): ids for word, ids in new.items()}
    model = _saved_class(folder).from_pretrained(folder, dtype="auto", local_files_only=True, use_safetensors=True)
    _extend(model, len(tokenizer), numbers)
    for old in (*folder.glob("*.safetensors"), *folder.glob("*.safetensors.index.json")):
        old.unlink()  # the loaded weights may still be mapped: a new file keeps them readable
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return len(new)


def _saved_class(folder: Path) -> type[PreTrainedModel]:
    """The class that the folder was saved as: an encoder without a language head stays without one."""
    import transformers

    config = read_config(folder)
    saved = getattr(transformers, (config.architectures or [""])[0], None)
    return saved or class_of(config, HeadSpec(LANGUAGE_HEAD[kind_of(config)]))


@torch.no_grad()
def _extend(model: PreTrainedModel, size: int, numbers: Mapping[int, Sequence[int]]) -> None:
    """Give each new id the mean of its pieces.

    Args:
        model: its embeddings may have more rows than the tokenizer has ids.
        size: number of ids of the tokenizer.
        numbers: new id → ids of its pieces.
    """
    if model.get_input_embeddings().weight.shape[0] < size:
        model.resize_token_embeddings(size, mean_resizing=False)
    tables = [model.get_input_embeddings().weight]
    head = model.get_output_embeddings()
    if head is not None:
        tied = head.weight.data_ptr() == tables[0].data_ptr()
        tables += [*([] if tied else [head.weight]), *([head.bias] if getattr(head, "bias", None) is not None else [])]
    for table in tables:
        for number, ids in numbers.items():
            table[number] = table[list(ids)].float().mean(0).to(table.dtype)
