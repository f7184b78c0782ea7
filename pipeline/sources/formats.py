"""Which file names belong to which kind of source."""

from __future__ import annotations

import re

METADATA = ("metadata.csv", "metadata.jsonl")
"""Files that name the images of their folder and say what belongs to each."""

ENDINGS = {
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "csv": (".csv", ".tsv", ".tab"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".arrows", ".feather", ".ipc"),
    "text": (".txt", ".md", ".markdown", ".rst", ".text"),
    "html": (".html", ".htm", ".xhtml"),
    "warc": (".warc", ".wet"),
    "catalogue": (".json", ".po", ".mo"),
    "images": (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", *METADATA),
}
"""Endings that a search of a folder or an ``s3://`` prefix accepts; a path or a glob names its files itself."""

COMPRESSIONS = (".gz", ".zst", ".bz2", ".xz")
"""Endings of compressed files. Parquet and Arrow compress internally and are read as they are."""


def belongs(kind: str, name: str) -> bool:
    """Whether a file called ``name`` is one of ``kind``, compressed or not."""
    plain = name.lower()
    for ending in COMPRESSIONS:
        plain = plain.removesuffix(ending)
    return plain.endswith(ENDINGS[kind])


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key that puts ``shard-2`` before ``shard-10``."""
    return [(int(part), "") if part.isdigit() and part.isascii() else (-1, part) for part in re.split(r"([0-9]+)", name)], name
