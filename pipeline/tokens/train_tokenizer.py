"""The tokenizer: trained on the train split, or a given one.

============= =====================================================================================================================
``bpe``       byte-level BPE as in GPT-2 (Radford et al. 2019): a regular expression splits text into words, words are split into bytes, and
              the most frequent pair of neighbours is merged into a token, repeatedly. Every text can be encoded and is given back.
``unigram``   the most probable pieces of each word, see `pipeline.tokens.train_unigram`; the same words, and also every text
``wordpiece`` the longest pieces of each word, as in BERT, see `pipeline.tokens.train_wordpiece`
``words``     whole words, for static word vectors: texts are lower-cased and split at blanks and punctuation, as BERT splits them (Devlin
              et al. 2019); each Chinese character is a word. Words that are rarer than ``min_frequency``, or beyond the size of the
              vocabulary, are unknown.
============= =====================================================================================================================
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from pipeline.errors import BadInput
from pipeline.tokens.special_tokens import NAMES, all_names, frame
from pipeline.tokens.train_unigram import train_unigram
from pipeline.tokens.train_wordpiece import train_wordpiece

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.recipe.tokenizer import Tokenizer as Params

LETTERS = 256
"""Room for bytes, or for letters, that a vocabulary has beside the special tokens."""


def make_tokenizer(texts: Iterable[str], params: Params, home: Path, more: Sequence[str] = ()) -> Tokenizer:
    """Train a tokenizer, or read the given one. Both get this project's special tokens and frame.

    Args:
        texts: texts of the train split; read twice for WordPiece, and not if a tokenizer is given.
        params: vocabulary, sentinels, and the path of the given tokenizer, if any.
        home: folder that a relative path of a given tokenizer starts from.
        more: special tokens of the task, e.g. of languages.

    Raises:
        BadInput: the vocabulary cannot hold bytes or letters, and special tokens; the given file is missing, broken, or has another digest.
    """
    if params.given:
        tokenizer = _read_given(home / params.given, params.given_sha256 or "")
    else:
        tokenizer = _train(texts, params, [*all_names(params.sentinels), *more])
    missing = [name for name in (*all_names(params.sentinels), *more) if tokenizer.token_to_id(name) is None]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in missing])
    tokenizer.post_processor = frame({name: tokenizer.get_vocab()[name] for name in NAMES.values()})
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _train(texts: Iterable[str], params: Params, specials: list[str]) -> Tokenizer:
    """A tokenizer of the kind that the recipe names."""
    least = len(specials) + (0 if params.kind == "words" else LETTERS)
    if params.vocabulary < least:
        parts = f"{LETTERS} {'letters' if params.kind == 'wordpiece' else 'bytes'}, {len(specials)} special tokens"
        raise BadInput(f"tokenizer.vocabulary {params.vocabulary}", f"at least {least}: {parts}", "raise it")
    unknown, sizes = NAMES["unk"], (params.vocabulary, params.min_frequency, specials)
    if params.kind == "wordpiece":
        return train_wordpiece(texts, *sizes, unknown, lowercase=bool(params.lowercase))
    if params.kind == "unigram":
        return train_unigram(texts, *sizes, unknown)
    return _train_words(texts, *sizes) if params.kind == "words" else _train_bpe(texts, *sizes)


def _train_bpe(texts: Iterable[str], vocabulary: int, min_frequency: int, specials: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=min_frequency,
        special_tokens=specials,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _train_words(texts: Iterable[str], vocabulary: int, min_frequency: int, specials: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token=NAMES["unk"]))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocabulary,
        min_frequency=min_frequency,
        special_tokens=specials,
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
