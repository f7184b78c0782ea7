"""The tokenizer: a byte-level BPE or a list of words trained on the train split, or a given one.

Byte-level BPE as in GPT-2 (Radford et al. 2019): a regular expression splits text into words, words are split into bytes, and the
most frequent pair of neighbours is merged into a token, repeatedly. Every text can be encoded; there are no unknown characters.

A list of words, for static word vectors: texts are lower-cased and split at blanks and punctuation, as BERT splits them (Devlin et al.
2019); each Chinese character is a word. Words that are rarer than ``min_frequency``, or beyond the size of the vocabulary, are unknown.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from pipeline.errors import BadInput
from pipeline.tokens.special_tokens import NAMES, all_names, frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.recipe.tokenizer import Tokenizer as Params


def make_tokenizer(texts: Iterable[str], params: Params, home: Path, more: Sequence[str] = ()) -> Tokenizer:
    """Train a tokenizer, or read the given one. Both get this project's special tokens and frame.

    Args:
        texts: texts of the train split; not read if a tokenizer is given.
        params: vocabulary, sentinels, and the path of the given tokenizer, if any.
        home: folder that a relative path of a given tokenizer starts from.
        more: special tokens of the task, e.g. of languages.

    Raises:
        BadInput: the vocabulary cannot hold bytes and special tokens; the given file is missing, broken, or has another digest.
    """
    if params.given:
        tokenizer = _read_given(home / params.given, params.given_sha256 or "")
    else:
        tokenizer = (_train_words if params.unit else _train_bpe)(texts, params, more)
    missing = [name for name in (*all_names(params.sentinels), *more) if tokenizer.token_to_id(name) is None]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in missing])
    tokenizer.post_processor = frame({name: tokenizer.get_vocab()[name] for name in NAMES.values()})
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _train_bpe(texts: Iterable[str], params: Params, more: Sequence[str]) -> Tokenizer:
    specials = [*all_names(params.sentinels), *more]
    if params.vocabulary < len(specials) + 256:
        raise BadInput(
            f"tokenizer.vocabulary {params.vocabulary}",
            f"at least {len(specials) + 256}: 256 bytes, {len(specials)} special tokens",
            "raise it",
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=params.vocabulary,
        min_frequency=params.min_frequency,
        special_tokens=specials,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _train_words(texts: Iterable[str], params: Params, more: Sequence[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token=NAMES["unk"]))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordLevelTrainer(
        vocab_size=params.vocabulary,
        min_frequency=params.min_frequency,
        special_tokens=[*all_names(params.sentinels), *more],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _read_given(path: Path, sha256: str) -> Tokenizer:
    """Read a tokenizer and check the digest that the recipe pins."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read tokenizer.given {path}: {error.strerror}", "a tokenizer.json", "correct the path") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise BadInput(
            f"tokenizer.given {path} has sha256 {found}",
            sha256 or "a pinned digest",
            "set tokenizer.given_sha256, or restore the file",
        )
    try:
        return Tokenizer.from_buffer(data)
    except Exception as error:  # tokenizers raises plain Exception for any file it cannot read
        raise BadInput(f"tokenizer.given {path} cannot be read: {error}", "a tokenizer.json of HF tokenizers", "export it again") from error
