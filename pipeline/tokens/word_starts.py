"""Where words begin among token ids, by the tokenizer's own boundaries and without the text.

================ ================================================================================================================
WordPiece        a token that begins with the continuation prefix (``##``) goes on with a word; others begin one
``</w>``         a token begins a word if the one before ends with the suffix
Metaspace        a token that begins with ``▁`` begins a word (SentencePiece: Unigram and BPE)
byte-level BPE   the tokens' bytes are the text: the tokenizer's own rule (``pre_tokenizer``) divides it into words again
word level       every token is a word
================ ================================================================================================================

Which of them holds is proven by a probe: on a text, the boundaries must be those that the tokenizer itself reports.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from tokenizers import Tokenizer

from pipeline.errors import BadInput
from pipeline.tokens.encoding import byte_of_character

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from numpy.typing import NDArray
    from tokenizers.pre_tokenizers import PreTokenizer

PROBE = "The cat's mat, isn't it?  42 over-tuned 3.14 NAÏVE Größe (x_1)\n\tпривет мир 你好 नमस्ते!"  # noqa: RUF001 - other scripts are the point
"""A text with all that boundaries depend on: punctuation, digits, runs of blanks, other scripts."""

METASPACE = "▁"
MAX_CHARACTER = 4
"""Bytes of the longest character."""


class WordStarts(Protocol):
    """Says which tokens begin a word."""

    def __call__(self, ids: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Find the beginnings of words.

        Args:
            ids: tokens of a text or of a part of one, without special tokens: shape [tokens]. The first one counts as a beginning.

        Returns:
            Shape [tokens].
        """


def word_starts(tokenizer: Tokenizer, field: str) -> WordStarts:
    """How words are found in the ids of a tokenizer.

    Args:
        tokenizer: of plain content, see `pipeline.models.content_tokenizer`.
        field: of the recipe that needs words, for the message.

    Raises:
        BadInput: the boundaries cannot be told from ids.
    """
    data = json.loads(tokenizer.to_str())
    encoded = tokenizer.encode(PROBE, add_special_tokens=False)
    words = np.array([-1 if word is None else word for word in encoded.word_ids])
    wanted = np.append(True, words[1:] != words[:-1])
    for rule in _rules(data, tokenizer):
        found = rule(np.array(encoded.ids))
        if len(found) == len(wanted) and bool((found == wanted).all()):
            return rule
    got = f"{field} with a tokenizer ({data['model']['type']}) whose token ids do not tell where words begin"
    raise BadInput(got, "WordPiece, byte-level BPE, or pieces that begin words with ▁", f"remove {field}")


def _rules(data: dict[str, Any], tokenizer: Tokenizer) -> Iterator[WordStarts]:
    """The rules that the parts of a tokenizer suggest."""
    model, vocabulary = data["model"], tokenizer.get_vocab()
    continues, ends = model.get("continuing_subword_prefix"), model.get("end_of_word_suffix")
    byte_level = _byte_level(data)
    if byte_level is not None:
        yield _ByteLevelWords(byte_level, vocabulary, {token["content"] for token in data["added_tokens"]})
    if continues:
        goes_on = _table(vocabulary, lambda token: token.startswith(continues))
        yield lambda ids: _first_true(~goes_on[ids])
    if ends:
        last = _table(vocabulary, lambda token: token.endswith(ends))
        yield lambda ids: _first_true(np.roll(last[ids], 1))
    if METASPACE in json.dumps([data["normalizer"], data["pre_tokenizer"]], ensure_ascii=False):
        begins = _table(vocabulary, lambda token: token.startswith(METASPACE))
        yield lambda ids: _first_true(begins[ids])
    if model["type"] == "WordLevel":
        yield lambda ids: np.ones(len(ids), dtype=bool)


def _table(vocabulary: Mapping[str, int], test: Callable[[str], bool]) -> NDArray[np.bool_]:
    """The answer of a test for each token id."""
    table = np.zeros(max(vocabulary.values()) + 1, dtype=bool)
    for token, number in vocabulary.items():
        table[number] = test(token)
    return table


def _first_true(starts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first token begins a word, or goes on with one that was cut."""
    starts[:1] = True
    return starts


def _byte_level(data: dict[str, Any]) -> PreTokenizer | None:
    """The pre-tokenizer of a byte-level tokenizer, without the blank that it may put before a text; None if it is another one."""
    given = data["pre_tokenizer"] or {}
    parts = given.get("pretokenizers", [given])
    if not any(part.get("type") == "ByteLevel" for part in parts):
        return None
    plain = [{**part, "add_prefix_space": False} if part["type"] == "ByteLevel" else part for part in parts]
    changed = Tokenizer.from_str(json.dumps({**data, "pre_tokenizer": {"type": "Sequence", "pretokenizers": plain}}))
    found: PreTokenizer = changed.pre_tokenizer
    return found


class _ByteLevelWords:
    """Divides the bytes of the tokens into words. An added token, which is no sequence of bytes, is a word of its own."""

    def __init__(self, pre_tokenizer: PreTokenizer, vocabulary: Mapping[str, int], added: Collection[str]) -> None:
        self._pre_tokenizer, self._bytes = pre_tokenizer, str.maketrans({key: chr(value) for key, value in byte_of_character().items()})
        self._tokens = [""] * (max(vocabulary.values()) + 1)
        self._added = np.ones(len(self._tokens), dtype=bool)
        for token, number in vocabulary.items():
            self._tokens[number], self._added[number] = token, token in added

    def __call__(self, ids: NDArray[np.integer]) -> NDArray[np.bool_]:
        found, added = np.ones(len(ids), dtype=bool), np.flatnonzero(self._added[ids])
        for begin, end in zip([0, *(added + 1)], [*added, len(ids)], strict=True):
            if end - begin > 1:
                found[begin:end] = self._starts([self._tokens[number] for number in ids[begin:end].tolist()])
        return found

    def _starts(self, tokens: list[str]) -> NDArray[np.bool_]:
        """Beginnings of words among the tokens of one stretch of text."""
        data = "".join(tokens).translate(self._bytes).encode("latin-1")
        # a text that was cut may begin and end inside a character; a letter stands for the one at its beginning
        before = next((place for place, byte in enumerate(data[:MAX_CHARACTER]) if byte & 0xC0 != 0x80), 0)
        letter = "a" if before else ""
        words = self._pre_tokenizer.pre_tokenize_str(letter + data[before:].decode("utf-8", errors="ignore"))
        word_ends = before - len(letter) + np.cumsum([len(word) for word, _ in words])
        token_starts = np.cumsum([0, *map(len, tokens[:-1])])
        return _first_true(np.isin(token_starts, word_ends))
