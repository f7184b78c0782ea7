"""Unicode normalisation, so that texts that look the same are the same.

`clean_text` gives the form that is stored. `comparison_key` gives the coarser form that decides the split, so that two summaries that
differ only in case, spacing or punctuation always get the same split.
"""

from __future__ import annotations

import re
import unicodedata

import regex

# C0 and C1 controls except tab and line feed, soft hyphen, zero-width and direction marks, BOM
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
BREAKS = re.compile("\r\n?|\x85|\u2028|\u2029")
BLANKS = re.compile(r"[^\S\n]+")
EDGES = re.compile(r" ?\n ?")
GAPS = re.compile(r"\n{3,}")
ODD_SPACES = re.compile(r"[^\S\n\t ]")
EMPTY_START = re.compile(r"(?:[\t ]*\n)+")
JOINERS = regex.compile(r"[\u200c\u200d\p{Variation_Selector}]")
PLAIN = bytes([9, 10, *range(32, 127)])
"""ASCII without control characters: text of these needs no look for invisible characters and line breaks."""
NON_WORDS = regex.compile(r"[^\w\p{M}]|_")
"""Everything but letters, digits and combining marks: words of many scripts (Hindi, Thai, Arabic) differ by their marks alone."""
ASCII_WORDS = {code: " " for code in range(128) if not chr(code).isalnum()}
"""The same for ASCII, twenty times as fast."""


def clean_text(text: str, *, keep_whitespace: bool = False) -> str:
    """Unicode NFC without control and invisible characters; every line break is a line feed.

    Args:
        text: any text.
        keep_whitespace: keep indentation, tabs and blank lines, as in code and tables, and remove only empty lines at the start and
            whitespace at the end. Otherwise there are single spaces, at most one blank line, and no whitespace at the ends.
    """
    if text.isascii() and not text.encode().translate(None, PLAIN):
        return _strip(text) if keep_whitespace else _collapse(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = INVISIBLE.sub("", BREAKS.sub("\n", text))
    if keep_whitespace:
        return _strip(ODD_SPACES.sub(" ", text))
    return GAPS.sub("\n\n", EDGES.sub("\n", BLANKS.sub(" ", text))).strip()


def _strip(text: str) -> str:
    """Text without empty lines at the start and whitespace at the end."""
    start = EMPTY_START.match(text)
    return text[start.end() if start else 0 :].rstrip()


def _collapse(text: str) -> str:
    """What the expressions of `clean_text` make of plain text, three times as fast."""
    if "  " in text or "\t" in text or " \n" in text or "\n " in text:
        text = "\n".join([" ".join(line.split()) for line in text.split("\n")])
    text = text.strip()
    return GAPS.sub("\n\n", text) if "\n\n\n" in text else text


def clean_line(text: str) -> str:
    """The same as `clean_text`, on one line."""
    return " ".join(clean_text(text).split())


def comparison_key(text: str) -> str:
    """Casefolded words with single spaces and without punctuation; a text without letters or digits keeps its punctuation.

    Compatibility forms are folded too (NFKC), so that "ﬁle" and "file" agree. Combining marks count.
    """
    if text.isascii():
        folded = text.lower()
        words = folded.translate(ASCII_WORDS)
    else:
        folded = JOINERS.sub("", unicodedata.normalize("NFKC", text).casefold())
        words = NON_WORDS.sub(" ", folded)
    return " ".join(words.split()) or " ".join(folded.split())
