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
STRANGE = re.compile("|".join(each.pattern for each in (INVISIBLE, BREAKS, ODD_SPACES)))
"""What a text without such characters needs no look for."""
EMPTY_START = re.compile(r"(?:[\t ]*\n)+")
JOINERS = regex.compile(r"[\u200c\u200d\p{Variation_Selector}]")
ASCII = bytes(range(128))
PLAIN = bytes([9, 10, *range(32, 127)])
"""ASCII without control characters."""
NON_WORDS = regex.compile(r"[^\w\p{M}]|_")
"""Everything but letters, digits and combining marks: words of many scripts (Hindi, Thai, Arabic) differ by their marks alone."""
ASCII_WORDS = bytes(ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128)) + bytes(range(128, 256))
"""The same for the ASCII bytes of UTF-8, twenty times as fast, and lower case; other bytes stay."""


def without(text: str, usual: bytes) -> str:
    """The characters of a text that are not among some ASCII ones, in their order.

    Expressions read a character in ten nanoseconds, this reads twenty. Most texts that are not ASCII have few characters that are not.

    Args:
        text: any text.
        usual: the ASCII characters to leave out.
    """
    return text.encode("utf-8", "surrogatepass").translate(None, usual).decode("utf-8", "surrogatepass")


def clean_text(text: str, *, keep_whitespace: bool = False) -> str:
    """Unicode NFC without control and invisible characters; every line break is a line feed.

    Args:
        text: any text.
        keep_whitespace: keep indentation, tabs and blank lines, as in code and tables, and remove only empty lines at the start and
            whitespace at the end. Otherwise there are single spaces, at most one blank line, and no whitespace at the ends.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not STRANGE.search(without(text, PLAIN)):
        return _strip(text) if keep_whitespace else _collapse(text)
    text = INVISIBLE.sub("", BREAKS.sub("\n", text))
    if keep_whitespace:
        return _strip(ODD_SPACES.sub(" ", text))
    return GAPS.sub("\n\n", EDGES.sub("\n", BLANKS.sub(" ", text))).strip()


def _strip(text: str) -> str:
    """Text without empty lines at the start and whitespace at the end."""
    start = EMPTY_START.match(text)
    return text[start.end() if start else 0 :].rstrip()


def _collapse(text: str) -> str:
    """What the expressions of `clean_text` make of a text without strange characters, several times as fast."""
    if "  " in text or "\t" in text or " \n" in text or "\n " in text:
        lines = map(str.strip, text.split("\n"))
        # most lines have blanks at their ends only
        text = "\n".join([" ".join(line.split()) if "  " in line or "\t" in line else line for line in lines])
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
        words = text.encode().translate(ASCII_WORDS).split()
        return b" ".join(words).decode() if words else " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    odd = without(folded, ASCII)
    if JOINERS.search(odd):
        folded, odd = JOINERS.sub("", folded), JOINERS.sub("", odd)
    spaced = folded.encode("utf-8", "surrogatepass").translate(ASCII_WORDS).decode("utf-8", "surrogatepass")
    for separator in set(NON_WORDS.findall(odd)):
        spaced = spaced.replace(separator, " ")
    return " ".join(spaced.split()) or " ".join(folded.split())
