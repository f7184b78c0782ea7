"""What `trainshed data show` prints of the tokenizer of a corpus: the report beside its newest tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from pipeline.artifacts.manifest import Manifest


class Tokenized(NamedTuple):
    """The newest tokens of a corpus."""

    manifest: Manifest
    report: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        """Report and comparison, for JSON."""
        from pipeline.pages.tokenizer_pages import PREVIOUS

        metrics = {name: value for name, value in sorted(self.manifest.metrics.items()) if name.startswith(f"{PREVIOUS}/")}
        return {"tokens": self.manifest.reference.model_dump(mode="json"), "report": self.report, "compared": metrics}


def find_report(corpus: Manifest) -> Tokenized | None:
    """The newest tokens of a corpus and their report; None if there are none, or they have no report.

    Raises:
        Damaged: the report is damaged.
        Unavailable: the store is unreachable.
    """
    from pipeline.artifacts import open_artifacts
    from pipeline.pages.tokenizer_pages import read_report, tokens_of
    from pipeline.settings import load_settings

    settings = load_settings()
    artifacts = open_artifacts(settings, read_only=True)
    found = tokens_of(artifacts, corpus.digest)
    return Tokenized(found, read_report(artifacts, found, settings.state)) if found else None


def tokenizer_table(tokenized: Tokenized, console: Console) -> Table:
    """Figures of each split, language and group, with those of the champion's tokenizer where it was compared."""
    from pipeline.cli.console import new_table
    from pipeline.pages.tokenizer_pages import PREVIOUS, compared

    metrics = tokenized.manifest.metrics
    differs = metrics.get(f"{PREVIOUS}/same") == 0
    more = ("champion", "tokens to champion") if differs else ()
    numbers = ("documents", "bytes per token", "95 %", "tokens per word", "split words", "unknown", *more)
    table = new_table(console, "tokenizer", *numbers, right=frozenset(numbers))
    for row in tokenized.report["rows"]:
        each, other = row["bytes_per_token"], compared(metrics, row["key"])
        interval = "" if each["low"] is None else f"{each['low']:.2f} to {each['high']:.2f}"
        figures = [_shown(each["value"], ".2f"), interval, _shown(row["tokens_per_word"]["value"], ".2f")]
        figures += [_shown(row[name]["value"], ".1%") for name in ("split_words", "unknown")]
        if differs:
            figures += [f"{other.bytes_per_token:.2f}", f"{other.tokens - 1:+.1%}"] if other else ["", ""]
        table.add_row(row["split"] if not row["name"] else f"  {row['of']} {row['name']}", f"{row['documents']:,}", *figures)
    return table


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
