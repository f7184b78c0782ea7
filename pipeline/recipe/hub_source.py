"""What a source ``hub`` may say: a dataset by its name, or a folder of one on this machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.recipe.data import Source
    from pipeline.recipe.gate_checks import Problem

NAME = re.compile(r"[\w.-]+/[\w.-]+(/.*)?")
"""``owner/name``, and a folder or a glob in it."""
LOCAL = ("/", "./", "../", "~")


def is_local(path: str) -> bool:
    """Whether a path is a folder of this machine."""
    return path.startswith(LOCAL)


def hub_problem(source: Source) -> Problem:
    """What is wrong with a source of kind ``hub``; None if nothing is, or it is of another kind."""
    path = source.path or ""
    if source.kind != "hub" or not path:
        return None
    if is_local(path):
        got = f"data.source.revision with the folder {path!r}"
        return (got, "", "remove data.source.revision: the files are what they are") if source.revision else None
    if not NAME.fullmatch(path) or ".." in path.split("/"):
        return f"data.source.path {path!r}", "owner/name of a dataset, or a folder such as ./saved", "correct data.source.path"
    return None
