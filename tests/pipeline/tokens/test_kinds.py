"""WordPiece and Unigram trained here: what they give back, the same bytes on every machine, plain transformers files, hostile texts."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from itertools import pairwise
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.recipe import Tokenizer as Params
from pipeline.tokens.special_tokens import NAMES
from pipeline.tokens.tokenizer_folder import save_trained
from pipeline.tokens.train_tokenizer import make_tokenizer
from pipeline.tokens.train_wordpiece import LONGEST

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WORDS = [
    "return",
    "the",
    "Values",
    "of",
    "naïve",
    "café,",
    "self.x_1",
    "<eos>",
    "don't",
    "you\n\n\tsee",
    "12",
    "½",
    "日本語のテスト、",
    "привет",
    "e\u0301",
    "##",
    "🙂",
]
TEXTS = [" ".join(WORDS[index % 9 :] * 3) + "aaaa" * (index % 4) for index in range(60)]
PIECES = st.lists(st.sampled_from([*WORDS, " ", "a", "\n", "'", "(", ") "])).map("".join)
TRAIN = """
import hashlib, sys
from pathlib import Path
from pipeline.recipe import Tokenizer
from pipeline.tokens.train_tokenizer import make_tokenizer
texts = [" ".join(f"{a}{b}ing{c}, ü{a * b % 11}" for c in range(9)) for a in range(40) for b in range(9)]
made = make_tokenizer(texts, Tokenizer(kind=sys.argv[1], vocabulary=600, sentinels=2), Path())
print(hashlib.sha256(made.to_str().encode()).hexdigest())
"""


@cache
def trained(kind: str, vocabulary: int = 420) -> Tokenizer:
    params = Params.model_validate({"kind": kind, "vocabulary": vocabulary, "min_frequency": 1, "sentinels": 2})
    return make_tokenizer(TEXTS, params, Path(), ["<de>"])


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_special_tokens_have_the_first_ids_and_nothing_else_is_special(kind: str) -> None:
    made, names = trained(kind), [*NAMES.values(), "<extra_id_0>", "<extra_id_1>", "<de>"]
    assert [made.id_to_token(number) for number in range(len(names))] == names
    assert [token.content for token in made.get_added_tokens_decoder().values()] == names
    assert made.get_vocab_size() <= 420
    assert made.encode("the naïve").ids[:: len(made.encode("the naïve").ids) - 1] == [2, 1]


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), PIECES))
def test_unigram_gives_every_text_back_and_knows_everything(text: str) -> None:
    ids = trained("unigram").encode(text, add_special_tokens=False).ids
    assume(not any(name in text for name in NAMES.values()))
    assert NAMES["unk"] not in map(trained("unigram").id_to_token, ids)
    assert trained("unigram").decode(ids, skip_special_tokens=False) == text


@settings(max_examples=200, deadline=None)
@given(PIECES)
def test_what_wordpiece_writes_has_the_ids_that_it_was_written_from(text: str) -> None:
    made = trained("wordpiece")
    ids = made.encode(text, add_special_tokens=False).ids
    assume(made.token_to_id(NAMES["unk"]) not in ids and "<eos>" not in text)
    assert made.encode(made.decode(ids), add_special_tokens=False).ids == ids


def test_wordpiece_writes_text_as_people_do() -> None:
    texts = ["I don't see (the values), Don’t: self.x_1 12 % 日本語のテスト、です. ##"]  # noqa: RUF001 - other scripts are the point
    made = make_tokenizer(texts, Params(kind="wordpiece", vocabulary=400, sentinels=0, min_frequency=1), Path())
    written = made.decode(made.encode(texts[0]).ids)
    assert written == "I don't see (the values), Don’t: self. x_1 12% 日本語のテスト、です. # #"  # noqa: RUF001 - the same


def test_wordpiece_keeps_case_unless_it_shall_not() -> None:
    params = Params(kind="wordpiece", vocabulary=400, sentinels=0, min_frequency=1)
    small = make_tokenizer(TEXTS, params.model_copy(update={"lowercase": True}), Path())
    assert trained("wordpiece").decode(trained("wordpiece").encode("Values naïve").ids) == "Values naïve"
    assert small.decode(small.encode("VALUES Naïve").ids) == "values naïve"


def test_wordpiece_divides_long_words_and_does_not_know_those_with_strange_letters() -> None:
    made = trained("wordpiece")
    long = made.encode("a" * (2 * LONGEST + 1), add_special_tokens=False)
    assert NAMES["unk"] not in long.tokens
    assert made.decode(long.ids) == " ".join(["a" * LONGEST, "a" * LONGEST, "a"])
    assert made.encode("the vaŁue", add_special_tokens=False).tokens == ["the", NAMES["unk"]]
    assert made.encode("\0a\x07", add_special_tokens=False).tokens == ["a"]


def test_rare_letters_leave_half_of_the_vocabulary_to_pieces() -> None:
    texts = ["the value of the values " * 50, "".join(chr(0x4E00 + index) for index in range(5000))]
    made = make_tokenizer(texts, Params(kind="wordpiece", vocabulary=306, sentinels=0, min_frequency=1), Path())
    assert {"the", "value", "##s"} & set(made.get_vocab()) >= {"the", "##s"}
    assert sum(len(token.removeprefix("##")) == 1 for token in made.get_vocab()) <= 156  # those of ASCII


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_the_same_texts_give_the_same_bytes_whatever_the_threads_and_the_hash(kind: str) -> None:
    found = [
        subprocess.run(
            [sys.executable, "-c", TRAIN, kind],
            env={**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for threads in ("1", "2", "3")
    ]
    assert len(found[0]) == 65
    assert len(set(found)) == 1


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_transformers_loads_the_folder_and_gives_the_same_ids_and_texts(kind: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    vocabulary = save_trained(trained(kind), tmp_path, ["<de>"])
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert (vocabulary.pad, vocabulary.eos, vocabulary.bos, vocabulary.mask, vocabulary.sentinels) == (0, 1, 2, 5, (6, 7))
    for text in [*WORDS, *TEXTS[:3], ""]:
        ids = theirs(text).input_ids
        assert ids == trained(kind).encode(text).ids
        assert theirs.decode(ids, skip_special_tokens=True) == trained(kind).decode(ids)


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
@pytest.mark.parametrize("texts", [[], [""], ["\0\0 \0"], ["... 123 !!!\n\n"], ["x" * 300_000], ["🙂👩\u200d👧" * 9], [" " * 9999]])
def test_strange_texts_give_a_smaller_vocabulary(kind: str, texts: list[str]) -> None:
    made = make_tokenizer(texts, Params.model_validate({"kind": kind, "vocabulary": 400, "sentinels": 0}), Path())
    assert made.get_vocab_size() < 400
    text = texts[0][:500] if texts else "abc"
    decoded = made.decode(made.encode(text).ids)
    assert decoded == text if kind == "unigram" else NAMES["unk"] not in decoded


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_a_vocabulary_that_is_too_small_is_refused_in_one_line(kind: str) -> None:
    params = Params.model_validate({"kind": kind, "vocabulary": 300})
    with pytest.raises(
        BadInput, match=r"^tokenizer\.vocabulary 300; expected at least 362: 256 (bytes|letters), 106 special tokens; fix: raise it$"
    ):
        make_tokenizer(TEXTS, params, Path())


def test_texts_that_can_be_read_only_once_are_no_texts_for_wordpiece() -> None:
    with pytest.raises(TypeError, match="read twice"):
        make_tokenizer(iter(TEXTS), Params(kind="wordpiece"), Path())


def segmentations(word: bytes, known: dict[bytes, float]) -> list[tuple[bytes, ...]]:
    """All ways to divide a word into known pieces."""
    found = [(word,)] if word in known else []
    cuts = [(word[:place], word[place:]) for place in range(1, len(word))]
    return found + [(left, *rest) for left, right in cuts if left in known for rest in segmentations(right, known)]


def test_probabilities_are_those_of_expectation_maximization() -> None:
    """Against sums over all segmentations, written out: two steps from the frequencies of all substrings."""
    from pipeline.tokens.unigram_pieces import LONGEST_PIECE, learn_pieces

    words = {"ababé": 7, "bab": 5, "éa": 4, "aéab": 3, " ab": 9}
    coded = {word.encode(): count for word, count in words.items()}
    known = {bytes([value]): 1.0 for value in range(256)}
    known |= {bytes([value]): float(sum(word.count(value) * count for word, count in coded.items())) for value in set(b"".join(coded))}
    for word, count in words.items():
        for begin in range(len(word)):
            for end in range(begin + 1, len(word) + 1):
                piece = word[begin:end].encode()
                if 2 <= len(piece) <= LONGEST_PIECE:
                    known[piece] = known.get(piece, 0.0) + count
    total = sum(known.values())
    chance = {piece: count / total for piece, count in known.items()}
    for _ in range(2):
        expected = dict.fromkeys(chance, 0.0)
        for word, count in coded.items():
            weights = {}
            for parts in segmentations(word, chance):
                weight = 1.0
                for part in parts:
                    weight *= chance[part]
                weights[parts] = weight
            for parts, weight in weights.items():
                for part in parts:
                    expected[part] += count * weight / sum(weights.values())
        kept = {piece: max(count - 0.5, 0.5) for piece, count in expected.items() if count >= 0.5 or len(piece) == 1}
        chance = {piece: count / sum(kept.values()) for piece, count in kept.items()}
    found = dict(learn_pieces(words.items(), 1000, 1))
    assert set(found) == {piece for piece in chance if len(piece) == 1 or known[piece] >= 2}
    assert sum(map(exp, found.values())) == pytest.approx(1, abs=1e-4)
    assert {piece: exp(one) for piece, one in found.items()} == pytest.approx(chance, rel=1e-5)


def test_pieces_are_whole_characters_or_bytes_and_the_best_are_kept() -> None:
    from pipeline.tokens.unigram_pieces import learn_pieces

    words = {" the": 900, " them": 300, " größer": 200, " größte": 200, " 日本語": 100, " zq": 2}
    found = learn_pieces(words.items(), 259, 2)
    assert len(found) == 259
    assert [piece for piece, _ in found[:256]] == [bytes([value]) for value in range(256)]
    more = [piece.decode() for piece, _ in found[256:]]
    assert " the" in more
    assert " zq" not in more
    assert all(left >= right for (_, left), (_, right) in pairwise(found[256:]))
