"""What the settings of a source must satisfy, so that a wrong one is found before anything is read."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.recipe.hub_source import hub_problem
from pipeline.recipe.sql_source import sql_problem

if TYPE_CHECKING:
    from pipeline.recipe.data import Source
    from pipeline.recipe.gate_checks import Problem

LINES = ("jsonl", "csv", "text")
WEB = ("html", "warc")
SETTINGS = {
    "encoding": (*LINES, *WEB, "images", "hub"),
    "delimiter": ("csv", "images", "hub"),
    "quote": ("csv", "images", "hub"),
    **dict.fromkeys(("url_from", "query", "table", "high_water"), ("sql",)),
    **dict.fromkeys(("revision", "config", "split"), ("hub",)),
}
"""Setting of a source → the kinds that it is for."""
OWN_KINDS = (*LINES, *WEB, "parquet", "arrow", "pydocs", "catalogue", "images", "sql", "hub")
"""Kinds whose readers are ours; that of an installed package may take any setting."""
WITH_IMAGES = ("images", "parquet", "arrow", "hub")
"""Kinds whose records may have an image."""
NO_TEXT = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7"})
"""Codecs of Python that decode text and are no encoding of files."""


def source_problem(source: Source) -> Problem:
    """What is wrong with the settings of a source, what is valid, and what to do; None if nothing is."""
    for setting, kinds in SETTINGS.items():
        if getattr(source, setting) is not None and source.kind in OWN_KINDS and source.kind not in kinds:
            return f"data.source.{setting} with kind {source.kind!r}", f"kind {' or '.join(kinds)}", f"remove data.source.{setting}"
    return _image(source) or sql_problem(source) or hub_problem(source) or _encoding(source) or _signs(source) or _web(source)


def _web(source: Source) -> Problem:
    path = source.path or ""
    if not path.lower().startswith(("http://", "https://")):
        return ("data.source.sha256 without a web address", "", "remove data.source.sha256") if source.sha256 else None
    if source.kind in ("catalogue", "images"):
        return f"data.source.kind {source.kind!r} with a web address", "a folder or s3:// prefix", "download the files"
    try:
        whole = bool(urlsplit(path).hostname) and urlsplit(path).port != 0
    except ValueError:  # brackets that do not close, or a port that is no number
        whole = False
    if not whole:
        return f"data.source.path {path!r} is no address", "https://host/file", "correct the address"
    if "@" in path.split("/")[2]:
        got = "data.source.path holds a user or a password, and the recipe is stored where many people read it"
        return got, "an address without", "bring the file to S3, or set ~/.netrc where it is read"
    return None


def _image(source: Source) -> Problem:
    if source.columns.image is None or source.kind in WITH_IMAGES or source.kind not in OWN_KINDS:
        return None
    got = f"data.source.columns.image with kind {source.kind!r}"
    return got, f"kind {', '.join(WITH_IMAGES)}", "change data.source.kind, or remove data.source.columns.image"


def _encoding(source: Source) -> Problem:
    name = source.encoding
    if name is None:
        return None
    wanted, fix = "an encoding that Python knows, e.g. cp1252, latin-1 or gb18030", "correct data.source.encoding"
    try:
        found = codecs.lookup(name)
        "".encode(name)  # refuses a codec from bytes to bytes
    except (LookupError, ValueError):
        return f"data.source.encoding {name!r}", wanted, fix
    return (f"data.source.encoding {name!r}", wanted, fix) if found.name.replace("-", "_") in NO_TEXT else None


def _signs(source: Source) -> Problem:
    fix = "correct data.source.delimiter or data.source.quote"
    for setting in ("delimiter", "quote"):
        sign = getattr(source, setting)
        if sign and (not sign.isascii() or sign in "\r\n"):
            return f"data.source.{setting} {sign!r}", "one ASCII character, and no line end", fix
    if source.delimiter is not None and source.delimiter == source.quote:
        return f"data.source.delimiter and data.source.quote are both {source.quote!r}", "two characters", fix
    return None
