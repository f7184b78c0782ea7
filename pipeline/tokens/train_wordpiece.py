"""WordPiece as in BERT (Devlin et al. 2019): a word is divided into the longest known pieces, from its beginning; later pieces begin with ``##``.

Text is split at blanks, at punctuation and around Chinese characters. Control characters are removed; case and accents stay, unless the recipe asks
for lower case. Blanks are forgotten: the decoder puts one between words, except where English and Chinese writing has none.

A word with a letter that the vocabulary does not have is unknown as a whole. So letters come first into the vocabulary: those of ASCII, which
a text may have that no training text has, and the most frequent others, up to half of it.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PREFIX = "##"
"""Begins a piece that goes on with a word."""

LONGEST = 100
"""Characters that are one word. The longest match of a word takes time that grows with the square of its length, and BERT makes longer words unknown.
Here they are divided, e.g. sentences of a script without blanks."""

LETTERS = 0.5
"""Largest share of the vocabulary, special tokens aside, that letters take."""

ASCII = string.ascii_letters + string.digits + string.punctuation

CHINESE = "一-\u9fff㐀-\u4dbf\U00020000-\U0002ceaf豈-\ufaff\U0002f800-\U0002fa1f"
"""Characters that are words of their own, by BERT's list."""

KANA = r"\p{Hiragana}\p{Katakana}"

TIGHT = (
    r" (?=[.,;:!?%)\]}…_。、，；：！？）」』])",  # noqa: RUF001 - Chinese and Japanese punctuation
    r"(?<=[(\[{_。、，；：！？（「『]) (?=\S)",  # noqa: RUF001 - the same
    r"(?<=\w) (?=['’] (?:s|t|re|ve|m|ll|d)\b)",  # noqa: RUF001 - both apostrophes occur
    r"(?<=\w['’]) (?=(?:s|t|re|ve|m|ll|d)\b)",  # noqa: RUF001 - the same
    rf"(?<=[{CHINESE}]) (?=[{CHINESE}{KANA}])",
    rf"(?<=[{KANA}]) (?=[{CHINESE}])",
)
"""Blanks that a decoded text does not have: before closing and after opening punctuation, in ``don't``, between Chinese and Japanese characters."""


def train_wordpiece(
    texts: Iterable[str], vocabulary: int, min_frequency: int, specials: Sequence[str], unknown: str, *, lowercase: bool
) -> Tokenizer:
    """Train a tokenizer on texts, which are read twice.

    The trainer numbers ``##`` letters in the order of a hash that differs between processes, and breaks ties by these numbers. Here it gets all
    letters, with their numbers, as if they were special tokens; so the same texts give the same vocabulary.

    Args:
        texts: to learn from; no iterator, which could be read only once.
        vocabulary: number of tokens.
        min_frequency: two pieces become one only if they are neighbours at least this often.
        specials: special tokens, in the order of their ids.
        unknown: the one of them for unknown words.
        lowercase: whether text is read in lower case.
    """
    if iter(texts) is texts:
        raise TypeError("texts that can be read twice")
    tokenizer = Tokenizer(models.WordPiece(unk_token=unknown, max_input_chars_per_word=LONGEST))
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer(), pre_tokenizers.FixedLength(LONGEST)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.WordPiece(prefix=PREFIX, cleanup=False), decoders.Fuse(), *(decoders.Replace(Regex(rule), "") for rule in TIGHT)]
    )
    room = vocabulary - len(specials)
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        min_frequency=min_frequency,
        special_tokens=[*specials, *_letters(texts, tokenizer, int(room * LETTERS))],
        limit_alphabet=0,  # no letters but those
        continuing_subword_prefix=PREFIX,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _only_special(tokenizer, specials)


def _letters(texts: Iterable[str], tokenizer: Tokenizer, most: int) -> list[str]:
    """The letters of ASCII and frequent others, as beginnings of words and with the prefix, if they may stand within a word."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    letters = Counter(dict.fromkeys(tokenizer.normalizer.normalize_str(ASCII), 0))
    for character, count in counts.items():
        for letter in tokenizer.normalizer.normalize_str(character):
            letters[letter] += 0 if letter.isspace() else count
    found: list[str] = []
    for letter, _ in sorted(letters.items(), key=lambda pair: (not pair[0].isascii(), -pair[1], pair[0])):
        if letter.isspace():
            continue
        spaced = tokenizer.normalizer.normalize_str(f"a{letter}")
        forms = [letter, PREFIX + letter] if len(tokenizer.pre_tokenizer.pre_tokenize_str(spaced)) == 1 else [letter]
        if not letter.isascii() and len(found) + len(forms) > most:
            break
        found += forms
    return found


def _only_special(tokenizer: Tokenizer, specials: Sequence[str]) -> Tokenizer:
    """The same tokenizer, in which letters are no special tokens."""
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] in set(specials)]
    return Tokenizer.from_str(json.dumps(data))
