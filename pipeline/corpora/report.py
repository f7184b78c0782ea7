"""The report of a corpus: everything that its page and its card show, and the same as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.corpora.contamination import read_contamination
from pipeline.corpora.facts import languages_of, read_facts
from pipeline.corpora.left_out import reasons
from pipeline.corpora.of_sources import of_sources
from pipeline.corpora.quality import read_quality
from pipeline.corpora.sample import Wanted, choose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.artifacts.manifest import Manifest
    from pipeline.corpora.facts import CorpusFacts
    from pipeline.corpora.left_out import LeftOutReason
    from pipeline.corpora.of_sources import OfSource
    from pipeline.corpora.quality import QualityFacts
    from pipeline.corpora.rules import Finding
    from pipeline.corpora.sample import Sampled

SAMPLES = 4
"""Documents of each split that are shown."""

HIDDEN = frozenset({"name", "weight"})
"""Fields of one of several sources that are not shown: the name is shown with each of the others, and a corpus knows no weight."""

CHARACTERS = 400
"""Characters of a text that are shown."""


@dataclass(frozen=True)
class CorpusReport:
    """One corpus."""

    name: str
    """What people call it: the recipe."""

    manifest: Manifest
    facts: CorpusFacts
    samples: tuple[Sampled, ...]
    findings: tuple[Finding, ...] = ()
    """What the rules of the recipe found."""

    quality: QualityFacts | None = None
    """The classifier that filtered it; None if none did."""

    contamination: tuple[dict[str, Any], ...] = ()
    """The sets of test texts that were looked for, and what was found."""

    @property
    def source(self) -> dict[str, Any]:
        """The source as the recipe says it, without empty fields."""
        data = self.manifest.parts.params.get("data", {})
        several = data.get("sources")
        if not several:
            return dict(_rows(data.get("source") or {}))
        return {f"{source['name']}.{row}": value for source in several for row, value in _rows(source) if row not in HIDDEN}

    @property
    def of_sources(self) -> list[OfSource]:
        """What each source gave; empty for a corpus of one."""
        return of_sources(self.manifest.counts)

    @property
    def revision(self) -> str:
        """Digest of the source's revision."""
        return self.manifest.parts.inputs.get("source", "")

    @property
    def left_out(self) -> list[LeftOutReason]:
        """Why records and files are missing."""
        return list(reasons(self.manifest.counts))

    @property
    def languages(self) -> dict[str, int]:
        """Documents of each language; empty for a corpus that does not count them."""
        return languages_of(self.manifest.counts)

    @property
    def task(self) -> str:
        """Kind of the task that the documents are for; empty where the corpus does not say it."""
        kind: str = self.manifest.parts.params.get("task", {}).get("kind", "")
        return kind

    def plain(self) -> dict[str, Any]:
        """As plain data, without documents."""
        return {
            "name": self.name,
            "corpus": self.manifest.reference.model_dump(mode="json"),
            "source": self.source,
            "revision": self.revision,
            "sources": [one._asdict() for one in self.of_sources],
            "counts": self.manifest.counts,
            "languages": self.languages,
            "contamination": list(self.contamination),
            "findings": [{**found.model_dump(), "verdict": found.verdict} for found in self.findings],
            **({"quality": self.quality.facts} if self.quality else {}),
            **self.facts.plain(),
        }


def _rows(source: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a source that are not empty, e.g. ``columns.target``."""
    for name, value in source.items():
        inside = {f"{name}.{inner}": one for inner, one in value.items()} if isinstance(value, dict) else {name: value}
        yield from ((row, one) for row, one in inside.items() if one not in (None, [], False))


def make_report(
    name: str, manifest: Manifest, folder: Path, facts: CorpusFacts | None = None, findings: tuple[Finding, ...] = ()
) -> CorpusReport:
    """Read a corpus for its report.

    Args:
        name: what people call it.
        manifest: of the corpus.
        folder: its files.
        facts: of the corpus, where the caller has read them.
        findings: what the rules of a recipe found.
    """
    facts = facts or read_facts(folder)
    samples = [one for split in facts.splits for one in choose(folder, Wanted(splits=(split,)), SAMPLES)]
    return CorpusReport(name, manifest, facts, tuple(samples), findings, read_quality(folder), tuple(read_contamination(folder)))


def cut(text: str | None, most: int = CHARACTERS) -> str:
    """The beginning of a text, with a sign where it was cut."""
    text = text or ""
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
