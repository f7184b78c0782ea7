"""Near copies and contamination: planted copies are found, clean texts are not, in languages with and without blanks."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.documents import document

from pipeline.corpus.contamination import find_contamination
from pipeline.corpus.near_copies import NearCopies
from pipeline.corpus.word_ngrams import hash_runs, word_key

if TYPE_CHECKING:
    from pipeline.corpus.documents import Document

DRAW = random.Random(5)
WORDS = ["".join(DRAW.choices("abcdefghijklmnoprstuvwz", k=DRAW.randint(2, 9))) for _ in range(3000)]
HAN = [chr(0x4E00 + number) for number in range(2000)]


def text(words: int = 60, blank: str = " ", vocabulary: list[str] = WORDS) -> str:
    return blank.join(DRAW.choices(vocabulary, k=words))


def documents(texts: list[str], target: str | None = "an answer", where: str = "d") -> list[Document]:
    return [document(place, text=each, target=target, name=f"{where}{place}") for place, each in enumerate(texts)]


def altered(original: str, every: int, blank: str = " ") -> str:
    """The text with each so-manieth word replaced."""
    words = original.split(blank) if blank else list(original)
    return blank.join("changed" if place % every == every - 1 else word for place, word in enumerate(words))


def runs(original: str, size: int) -> set[tuple[str, ...]]:
    words = word_key(original).split()
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


def test_runs_have_equal_hashes_exactly_if_their_words_are_equal_and_never_cross_two_texts() -> None:
    texts = [text(DRAW.randint(0, 30), vocabulary=WORDS[:40]) for _ in range(300)]
    for size in (1, 2, 3, 8):
        found = hash_runs([word_key(each) for each in texts], size)
        expected = [[tuple(words[start : start + size]) for start in range(len(words) - size + 1)] for words in map(str.split, texts)]
        assert np.bincount(found.texts, minlength=300).tolist() == list(map(len, expected))
        flat = [run for each in expected for run in each]
        assert len(set(zip(flat, found.hashes.tolist(), strict=True))) == len(set(flat)) == len(set(found.hashes.tolist()))


def test_planted_copies_are_found_and_other_texts_are_not() -> None:
    train, test = [text() for _ in range(2000)], [text() for _ in range(200)]
    clean = find_contamination(documents(test), documents(train, where="t"))
    assert (clean.examples, clean.exact, clean.near, clean.short, clean.found) == (200, 0, 0, 0, ())
    planted = [*train, *(each.upper() + "!" for each in test[:10]), *(f"{text()} {each} {text()}" for each in test[10:30])]
    planted += [altered(each, 40) for each in test[30:40]]  # one changed word of 60 touches 8 of 53 runs
    found = find_contamination(documents(test), documents(planted, where="t"))
    assert (found.exact, found.answered, found.near) == (10, 10, 30)
    assert [each.name for each in found.found[:10]] == [f"d{place}" for place in range(10)]
    assert [each.source for each in found.found[:10]] == [f"t{2000 + place}" for place in range(10)]
    assert {each.exact for each in found.found[:10]} == {True}
    assert found.found[10].share == 1
    assert found.found[10].source == "t2010"
    assert find_contamination(documents(test), documents(planted, target="another")).answered == 0


def test_a_few_words_in_common_are_no_near_copy() -> None:
    test = [text() for _ in range(50)]
    quoted = [f"{text()} {' '.join(each.split()[:30])}" for each in test]  # 23 of 53 runs
    assert find_contamination(documents(test), documents(quoted)).near == 0
    assert find_contamination(documents(test), documents([altered(each, 10) for each in test])).near == 0


def test_short_texts_match_only_as_a_whole() -> None:
    test = [text(14) for _ in range(20)]
    found = find_contamination(documents(test), documents([*test[:3], *(f"so {each}" for each in test[3:])]))
    assert (found.exact, found.near, found.short) == (3, 0, 20)


@pytest.mark.parametrize("blank", ["", "\N{IDEOGRAPHIC COMMA}"])
def test_characters_are_the_words_of_scripts_without_blanks(blank: str) -> None:
    test = [text(60, blank, HAN) for _ in range(50)]
    train = [text(60, blank, HAN) for _ in range(300)]
    assert find_contamination(documents(test), documents(train)).near == 0
    planted = [f"{text(20, blank, HAN)}{each}{text(20, blank, HAN)}" for each in test[:20]]
    assert find_contamination(documents(test), documents([*train, *planted])).near == 20


def test_answers_and_second_texts_of_training_count_too() -> None:
    test = [text() for _ in range(3)]
    train = [*documents([text()], target=test[0]), document(9, text=text(), target=None)._replace(pair=test[1])]
    assert find_contamination(documents(test), train).near == 2


def test_of_a_long_text_a_sample_of_its_runs_is_enough() -> None:
    test = documents([text(5000), text(5000), text(5000)])
    half = " ".join(test[1].text.split()[:2500])
    search = NearCopies(test, most_runs=64)
    search.read(documents([test[0].text, half]))
    assert search.runs.tolist() == [64, 64, 64]
    assert search.shares() == pytest.approx([1.0, 0.5, 0.0], abs=0.2)
    assert search.near().tolist() == [True, False, False]
    assert [search.source(place) for place in range(3)] == ["d0", "d1", ""]


def test_captions_are_no_copies_but_pixels_are() -> None:
    caption = text(20)
    images = [bytes([place]) * 12 for place in range(8)]
    test = [document(place, text=caption, target=caption)._replace(image=image) for place, image in enumerate(images[:4])]
    train = [document(place, text=caption, target=caption)._replace(image=image) for place, image in enumerate(images[3:])]
    found = find_contamination(test, train)
    assert (found.examples, found.exact, found.answered, found.near) == (4, 1, 1, 0)
