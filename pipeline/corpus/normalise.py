"""One written form for texts that look the same.

`clean` gives the form that is kept; `key` the cruder form by which a split is chosen, so that two summaries that differ only
in case, spacing or punctuation always fall on the same side.
"""

from __future__ import annotations

import re
import unicodedata

# C0 and C1 controls but for tab and line feed, soft hyphen, zero-width and direction marks, BOM
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
BREAKS = re.compile("\r\n?|\x85|\u2028|\u2029")
BLANKS = re.compile(r"[^\S\n]+")
EDGES = re.compile(r" ?\n ?")
GAPS = re.compile(r"\n{3,}")
ODD = re.compile(r"[\W_]+")


def clean(text: str) -> str:
    """Unicode NFC; no control or invisible characters; one space between words, at most one blank line, no edges."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = INVISIBLE.sub("", BREAKS.sub("\n", text))
    return GAPS.sub("\n\n", EDGES.sub("\n", BLANKS.sub(" ", text))).strip()


def clean_line(text: str) -> str:
    """The same, on one line."""
    return " ".join(clean(text).split())


def key(text: str) -> str:
    """Casefolded words with single spaces and no punctuation; of a text without any letter or digit, what is left of it.

    Compatibility forms are folded too (NFKC), so that "ﬁle" and "file" agree.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return ODD.sub(" ", folded).strip() or " ".join(folded.split())
