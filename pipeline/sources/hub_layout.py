"""Which files of a dataset's repository are its rows: by the card, or by the names of files, as the library `datasets` finds them.

A card (``README.md``) may list configurations, each with its files by split. Without such a list all data files are one configuration, and words
in their paths (``train``, ``dev``, ``test``) say the split. Only names are looked at. A repository may also hold a loading script; nobody runs it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from pipeline.errors import BadInput, unknown_name
from pipeline.sources.base import MissingSource
from pipeline.sources.formats import COMPRESSIONS, ENDINGS
from pipeline.sources.left_out import OTHER, WORKING, LeftOutCounter, is_working
from pipeline.sources.walk import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CARD = "README.md"
KINDS = ("parquet", "arrow", "jsonl", "csv", "text")
"""Formats of rows that our readers know."""
NO_ROWS = frozenset(
    {
        "README.md",
        "config.json",
        "dataset_info.json",
        "dataset_infos.json",
        "dataset_dict.json",
        "state.json",
        "package.json",
        "LICENSE.txt",
    }
)
"""Files that describe a dataset."""
KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""Words in a path that say a split, those of `datasets.data_files.SPLIT_KEYWORDS`; any other split is its own word."""
SEPARATORS = r"[-._ 0-9]"
SCRIPTS = "refs/convert/parquet"
"""Where the hub keeps Parquet files that it made of many datasets with a script."""


class Chosen(NamedTuple):
    """The files to read."""

    kind: str
    """Their format, a name of `pipeline.corpus.readers.READERS`."""

    paths: tuple[str, ...]


def choose(
    paths: Iterable[str], card: str, wanted: str | None, config: str | None, split: str | None, where: str, left_out: LeftOutCounter
) -> Chosen:
    """The files that hold the rows.

    Args:
        paths: all files of the repository, with forward slashes.
        card: text of its card; empty if it has none.
        wanted: a folder or a glob in it; None for all.
        config: name of a configuration; None for the only or default one.
        split: name of a split; None for all.
        where: the repository, for messages.
        left_out: counts what is left out.

    Raises:
        MissingSource: there is no data file.
        BadInput: there is no such configuration or split, or files of several formats.
    """
    listed = sorted(paths)
    patterns = _patterns(card, config, split, where)
    found = [path for path in listed if _is_wanted(path, wanted) and any(_belongs(path, pattern) for pattern in patterns)]
    data = [path for path in found if _is_data(path, left_out)]
    if split is not None and not _says_splits(card, config):
        data = _of_split(data, split)
    by_kind = {kind: [path for path in data if kind_of(path) == kind] for kind in KINDS}
    kinds = [kind for kind in KINDS if by_kind[kind]]
    if len(kinds) > 1 and kinds[-1] == "text":  # notes beside the rows
        kinds.pop()
    if not kinds:
        raise _nothing(listed, where, wanted, split)
    if len(kinds) > 1:
        examples = ", ".join(by_kind[kind][0] for kind in kinds)
        raise BadInput(f"{where} has files of several formats: {examples}", "one", "name a folder or a glob of it in data.source.path")
    return Chosen(kinds[0], tuple(by_kind[kinds[0]]))


def kind_of(path: str) -> str | None:
    """The format of a file by its ending, compressed or not; None if it is none of `KINDS`."""
    name = path.lower()
    for ending in COMPRESSIONS:
        name = name.removesuffix(ending)
    return next((kind for kind in KINDS if name.endswith(ENDINGS[kind])), None)


def _patterns(card: str, config: str | None, split: str | None, where: str) -> list[str]:
    """Globs of the files of a configuration and a split.

    Raises:
        BadInput: the card has no such configuration or split.
    """
    configs = _configs(card)
    if not configs:
        return [f"{config}/**"] if config else ["**"]
    name = config or _default(configs, where)
    if name not in configs:
        raise unknown_name(f"configuration of {where} in data.source.config:", name, configs)
    entry = configs[name]
    folder = str(entry.get("data_dir") or "").strip("./")
    by_split = _by_split(entry.get("data_files"))
    if by_split and split is not None and split not in by_split:
        raise unknown_name(f"split of {where} in data.source.split:", split, by_split)
    named = [pattern for key, found in by_split.items() if split in {None, key} for pattern in found] or ["**"]
    return [f"{folder}/{pattern}" if folder else pattern.removeprefix("./") for pattern in named]


def _says_splits(card: str, config: str | None) -> bool:
    """Whether the card says which files are of which split."""
    configs = _configs(card)
    return any(_by_split(entry.get("data_files")) for name, entry in configs.items() if config in {None, name})


def _configs(card: str) -> dict[str, Mapping[str, Any]]:
    """The configurations that a card lists, by name; empty if it lists none, or cannot be read."""
    head = re.match(r"---\r?\n(.*?)\r?\n---", card, re.DOTALL)
    try:
        found = yaml.safe_load(head[1]) if head else None
    except yaml.YAMLError:
        found = None
    listed = found.get("configs") if isinstance(found, dict) else None
    entries = listed if isinstance(listed, list) else []
    return {str(entry["config_name"]): entry for entry in entries if isinstance(entry, dict) and "config_name" in entry}


def _default(configs: Mapping[str, Mapping[str, Any]], where: str) -> str:
    if len(configs) == 1:
        return next(iter(configs))
    chosen = [name for name, entry in configs.items() if name == "default" or entry.get("default") is True]
    if len(chosen) != 1:
        raise BadInput(
            f"{where} has {len(configs)} configurations: {', '.join(list(configs)[:20])}", "one", "name it in data.source.config"
        )
    return chosen[0]


def _by_split(data_files: Any) -> dict[str, list[str]]:  # noqa: ANN401 - whatever the YAML held
    """Split → globs; an entry without a split is training, as in `datasets`."""
    found: dict[str, list[str]] = {}
    for entry in [data_files] if isinstance(data_files, str) else data_files if isinstance(data_files, list) else []:
        split, paths = (str(entry.get("split")), entry.get("path")) if isinstance(entry, dict) else ("train", entry)
        found.setdefault(split, []).extend(str(path) for path in (paths if isinstance(paths, list) else [paths]))
    return found


def _is_wanted(path: str, wanted: str | None) -> bool:
    return wanted is None or _belongs(path, wanted)


def _belongs(path: str, pattern: str) -> bool:
    """Whether a glob names a file, or a folder that it is in."""
    parts, asked = path.split("/"), pattern.strip("/").split("/")
    return matches(parts, asked) or matches(parts, [*asked, "**"])


def _is_data(path: str, left_out: LeftOutCounter) -> bool:
    """Whether a file may hold rows; counts those that do not."""
    parts = path.split("/")
    if parts[-1] in NO_ROWS:
        return False
    # `datasets` keeps results of its own functions beside the rows
    if any(map(is_working, parts)) or (parts[-1].startswith("cache-") and parts[-1].endswith(".arrow")):
        left_out.add(WORKING, path)
        return False
    if kind_of(path) is None:
        left_out.add(OTHER, path)
        return False
    return True


def _of_split(paths: Sequence[str], split: str) -> list[str]:
    """The files whose folders say the split; where no folder says any, those whose own name does."""
    folders = [path.split("/")[:-1] for path in paths]
    known = [word for words in KEYWORDS.values() for word in words]
    words = KEYWORDS.get(split, (split,))
    if any(_has_word(parts, [*known, *words]) for parts in folders):
        return [path for path, parts in zip(paths, folders, strict=True) if _has_word(parts, words)]
    return [path for path in paths if _has_word([path.rpartition("/")[2]], words)]


def _has_word(parts: Iterable[str], words: Sequence[str]) -> bool:
    """Whether a part of a path is named by one of the words."""
    word = "|".join(map(re.escape, words))
    return any(re.search(rf"(?:^|{SEPARATORS})(?:{word})(?:{SEPARATORS}|$)", part) for part in parts)


def _nothing(paths: Sequence[str], where: str, wanted: str | None, split: str | None) -> BadInput:
    which = "".join([f" in {wanted}" if wanted else "", f" of the split {split!r}" if split else ""])
    script = next((path for path in paths if path.endswith(".py")), None)
    if script:
        fix = f"set data.source.revision to {SCRIPTS}, if the hub made one of it, or save the rows as Parquet"
        return BadInput(f"{where} has no data file{which}; it may be made by {script}, which is never run", "", fix)
    examples = f"; it has {', '.join(paths[:5])}" if paths else ""
    return MissingSource(f"{where} has no data file{which}{examples}", "Parquet, Arrow, JSON, CSV or text", "correct data.source")
