"""The images of some documents of a corpus, for pages and listings."""

from __future__ import annotations

import base64
from io import BytesIO
from math import isqrt
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import compute, parquet

from pipeline.corpora.shards import SPLITS

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

THUMBNAIL = 96
"""Pixels of the longer side on a page."""


def images_of(folder: Path, ids: Collection[str]) -> dict[str, bytes]:
    """The pixels of documents by their ids; empty for a corpus without images.

    Args:
        folder: folder of the corpus.
        ids: of the documents.
    """
    wanted, found = pa.array(sorted(ids), pa.string()), dict[str, bytes]()
    for shard in (shard for split in SPLITS for shard in sorted(folder.glob(f"{split}-*.parquet"))):
        with parquet.ParquetFile(shard) as file:
            if "image" not in file.schema_arrow.names:
                return {}
            for group in range(file.num_row_groups):
                here = compute.is_in(file.read_row_group(group, ["id"])["id"], value_set=wanted)
                if compute.any(here).as_py():  # most of a corpus is not read
                    rows = file.read_row_group(group, ["id", "image"]).filter(here)
                    found.update(zip(rows["id"].to_pylist(), rows["image"].to_pylist(), strict=True))
    return found


def side_of(image: bytes) -> int:
    """Pixels of each side of a document's image, which is a square in RGB."""
    return isqrt(len(image) // 3)


def data_uri(image: bytes, most: int | None = None) -> str:
    """A document's image as PNG in an address.

    Args:
        image: its pixels.
        most: pixels of the longer side; a larger image is made smaller. None: as it is.
    """
    from PIL import Image  # only corpora with images need it

    side, made = side_of(image), BytesIO()
    found = Image.frombytes("RGB", (side, side), image)
    if most:
        found.thumbnail((most, most))
    found.save(made, "PNG")
    return f"data:image/png;base64,{base64.b64encode(made.getvalue()).decode()}"
