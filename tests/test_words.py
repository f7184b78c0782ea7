"""Whatever a person reads uses plain words, short sentences and names that exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from fixtures.prose import HOME, banned_words, docstrings, long_sentences, unknown_names

if TYPE_CHECKING:
    from pathlib import Path

ROOMS = ("pipeline", "components", "dags", "infra", "docs", ".ci")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "tests/README.md")
NOT_TEXT = {".png", ".lock", ".txt", ".pyc", ".whl"}

GENERATED = {"__pycache__", "secrets", "build"}
"""Folders that tests and people leave; git ignores them."""


def files() -> list[Path]:
    """Every text file of the rooms, and the pages."""
    found = [path for room in ROOMS for path in (HOME / room).rglob("*") if path.is_file() and path.suffix not in NOT_TEXT]
    return sorted([*(path for path in found if not GENERATED & set(path.relative_to(HOME).parts)), *(HOME / page for page in PAGES)])


LONG = " ".join(f"word{number}" for number in range(40))


@pytest.mark.parametrize(
    "planted",
    [
        "killed for want of memory",
        "for want\n    # of memory",
        "It MENDS itself.",
        "what stands in the ledger",
        "the server is away",
        "the journal",
    ],
)
def test_a_banned_word_is_found(planted) -> None:
    assert len(banned_words(f"One line.\n{planted}\n")) == 1


@pytest.mark.parametrize(
    "allowed", ["PRAGMA journal_mode=WAL", "amend it", "beforehand", "a well-formed name is well-known", "belief in it"]
)
def test_a_plain_word_is_not_refused(allowed) -> None:
    assert not banned_words(allowed)


@pytest.mark.parametrize(
    "page", [f"{LONG}.", f"- {LONG}", f"| short | {LONG} |", f"Short. {LONG}, e.g. `code`.", f"[{LONG}](a.md)", f"# {LONG}"]
)
def test_a_sentence_of_forty_words_is_found(page) -> None:
    (found,) = long_sentences(f"A first one.\n\n{page}\n\nA last one.\n")
    assert found.startswith("4")


def test_text_that_only_looks_long_is_not_refused() -> None:
    twenty = " ".join(["word"] * 20)
    lines = (
        f"{twenty}.\n{twenty}!",
        f"- {twenty}\n- {twenty}",
        f"| {twenty} | {twenty} |",
        f"```\n{LONG}\n```",
        f"`{LONG}`",
        f"# {twenty}\n\n{twenty}",
    )
    assert not long_sentences("\n\n".join(lines))


@pytest.mark.parametrize(
    "planted",
    [
        "`pipeline.nothing.here`",
        "`pipeline/nothing.py`",
        "`tests/nothing/`",
        "``pipeline.errors.Nothing``",
        "```\nmake nothing\n```",
        "`trainshed nothing`",
    ],
)
def test_a_name_that_does_not_exist_is_found(planted) -> None:
    assert len(unknown_names(f"See {planted} for it.")) == 1


def test_names_that_exist_are_not_refused() -> None:
    names = (
        "pipeline.errors.BadInput",
        "components/<stage>/contract.py",
        "make demo KEEP=1",
        "trainshed artifacts gc --delete",
    )
    assert not unknown_names(", ".join(f"`{name}`" for name in names))


def named(found: dict[Path, list[str]]) -> str:
    return "\n".join(f"{path.relative_to(HOME)}: {one}" for path, several in found.items() for one in several)


def test_no_file_has_a_banned_word() -> None:
    assert len(files()) > 300
    wrong = named({path: banned_words(path.read_text()) for path in files()})
    assert not wrong, wrong


def test_no_sentence_of_the_documents_is_too_long() -> None:
    wrong = named({path: long_sentences(path.read_text()) for path in files() if path.suffix == ".md"})
    assert not wrong, wrong


def test_every_message_that_troubleshooting_quotes_exists() -> None:
    """A message that changes must change there too; ``…`` stands for what differs from case to case."""
    source = "\n".join(path.read_text() for room in ("pipeline", "dags") for path in (HOME / room).rglob("*.py"))
    rows = [line.split("|")[1] for line in (HOME / "docs" / "troubleshooting.md").read_text().splitlines() if line.startswith("| ")]
    quoted = {part.strip() for row in rows for message in re.findall(r"`([^`]+)`", row) for part in message.split("…")}
    assert len(quoted) > 20
    assert not {part for part in quoted if part not in source}


def test_every_name_in_backticks_exists() -> None:
    documents = {path: unknown_names(path.read_text()) for path in files() if path.suffix == ".md"}
    modules = {path: unknown_names(docstrings(path.read_text())) for path in files() if path.suffix == ".py"}
    wrong = named(documents | modules)
    assert not wrong, wrong
