"""Texts are cut only where GPT-2's regular expression ends a word, and its words in the parts are those in the whole."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tokens import word_encoder
from pipeline.tokens.encoding import GPT2_WORDS
from pipeline.tokens.word_cuts import find_cuts
from pipeline.tokens.word_encoder import WordEncoder

WORDS = regex.compile(GPT2_WORDS)
CHARACTERS = "as1'. \n\té\u00a0\x0b"
"""One of each kind, a letter that may belong to an apostrophe, a letter and a blank outside of ASCII, and a blank that counts as other."""
BLANKS = "".join(letter for letter in map(chr, range(0x80, 0x110000)) if regex.fullmatch(r"\s", letter))
"""Every blank outside of ASCII."""


def parts(*texts: str) -> list[bytes]:
    encoded = [text.encode() for text in texts]
    data = b"".join(encoded)
    return [
        data[a:b] for a, b in pairwise(find_cuts(np.frombuffer(data, dtype=np.uint8), np.cumsum([len(text) for text in encoded])).tolist())
    ]


def words_of(*texts: str) -> list[str]:
    return [word for text in texts for word in WORDS.findall(text)]


@pytest.mark.parametrize("length", range(1, 6))
def test_every_short_text_has_the_words_of_its_parts(length: int) -> None:
    texts = ["".join(characters) for characters in product(CHARACTERS, repeat=length)]
    assert [part.decode() for part in parts(*texts)] == [part.decode() for text in texts for part in parts(text)]
    assert words_of(*(part.decode() for part in parts(*texts))) == words_of(*texts)


@settings(deadline=None)
@given(st.lists(st.text(st.one_of(st.sampled_from(CHARACTERS), st.characters(exclude_categories=["Cs"])))))
def test_texts_have_the_words_of_their_parts(texts: list[str]) -> None:
    assert words_of(*(part.decode() for part in parts(*texts))) == words_of(*texts)


def test_after_a_space_every_character_is_told_from_a_blank() -> None:
    assert len(BLANKS) > 15
    every = "".join(
        f"a {letter}b\n{letter}b \n{letter}" for letter in (*BLANKS, *map(chr, range(0x80, 0x3100)), "한", "東", "🙂", "\U0010ffff")
    )
    assert words_of(*(part.decode() for part in parts(every))) == words_of(every)
    assert parts("слово и слово") == ["слово".encode(), " и".encode(), " слово".encode()]


def test_words_of_ascii_are_parts() -> None:
    text = "def  don't(x1, y):\n\n    return 12.5  # it's 'so'\n"
    assert len(parts(text)) >= len(words_of(text)) - 2, "only what follows an apostrophe is in one part with it"
    assert parts("x naïve, (café) y") == [b"x", " naïve".encode(), b",", b" (", "café)".encode(), b" y"]


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from(CHARACTERS))), st.integers(1, 9))
def test_blocks_and_forgotten_words_change_nothing(texts: list[str], size: int) -> None:
    """The ids of a text are its characters, with 0 after each word."""

    def encode(words: str) -> list[int]:
        return [number for word in WORDS.findall(words) for number in (*map(ord, word), 0)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_encoder, "BLOCK", size)
        patch.setattr(word_encoder, "KNOWN_WORDS", size)
        found = WordEncoder(encode, lambda text: np.array(encode(text), dtype=np.uint32))
        for _ in range(2):
            assert [ids.tolist() for ids in found(texts)] == [encode(text) for text in texts]


def test_each_word_is_encoded_once_until_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def encode(word: str) -> list[int]:
        asked.append(word)
        return [len(word)]

    whole = "東京" * 40
    encoder = WordEncoder(encode, lambda text: np.array([len(text)], dtype=np.uint32))
    assert [ids.tolist() for ids in encoder([whole])] == [[80]]
    assert not asked, "a text without spaces is no word"
    assert [ids.tolist() for ids in encoder(["to be, or", whole, "", "to be"])] == [[2, 3, 1, 3], [80], [], [2, 3]]
    assert asked == ["to", " be", ",", " or"]
    monkeypatch.setattr(word_encoder, "KNOWN_WORDS", 4)
    assert [ids.tolist() for ids in encoder(["to"])] == [[2]]
    assert asked[4:] == ["to"]
