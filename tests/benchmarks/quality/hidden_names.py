"""A second reading of `pydocs-topics`: no text names any of the packages.

The recipe hides in a text the words of its own package alone. The text may name other packages, and what is hidden tells the
package too: only in Airflow's texts ``underscores`` is ``unders…s``, since ``core`` is a word of ``apache-airflow-core``.
Here each word that contains a name of any class becomes ``…``, with all that is attached to it: ``torchvision``, ``sklearn.base``.
A word that the recipe has hidden in part is replaced as well. Abbreviations such as ``np`` stay.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

from pyarrow import array, parquet, string

from pipeline.corpus import LABELS
from pipeline.corpus.readers.package_mask import package_mask
from pipeline.corpus.readers.pydocs import MASK
from pipeline.sources.installed import chosen, python_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WORD = re.compile(rf"[\w.{MASK}]+")
"""A word with its dots, such as ``sklearn.base``; it may be hidden in part."""


def hide_names(corpus: Path, output: Path) -> None:
    """Copy a corpus whose classes are installed packages; in the texts of all splits, replace each word that names one."""
    names = names_of(json.loads((corpus / LABELS).read_bytes()))
    for file in sorted(corpus.iterdir()):
        if file.suffix != ".parquet":
            shutil.copy(file, output / file.name)
            continue
        table = parquet.read_table(file)
        texts = [without(names, text) for text in table["text"].to_pylist()]
        place = table.schema.get_field_index("text")
        parquet.write_table(table.set_column(place, "text", array(texts, string())), output / file.name)


def names_of(packages: Sequence[str]) -> re.Pattern[str]:
    """Matches a name of any of these installed packages, or what the recipe put in place of one."""
    masks = [package_mask(found.name, (file.path for file in python_files(found.record()))) for found in chosen(packages)]
    return re.compile("|".join([MASK, *masks]))


def without(names: re.Pattern[str], text: str) -> str:
    """The text with one sign in place of each word that holds a name."""
    return WORD.sub(lambda word: MASK if names.search(word[0]) else word[0], text)
