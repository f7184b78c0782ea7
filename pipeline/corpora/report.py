"""The report of a corpus: everything that its page and its card show, and the same as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.corpora.contamination import read_contamination
from pipeline.corpora.facts import languages_of, read_facts
from pipeline.corpora.left_out import reasons
from pipeline.corpora.sample import Wanted, choose

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.manifest import Manifest
    from pipeline.corpora.facts import CorpusFacts
    from pipeline.corpora.left_out import LeftOutReason
    from pipeline.corpora.rules import Finding
    from pipeline.corpora.sample import Sampled

SAMPLES = 4
"""Documents of each split that are shown."""

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

    contamination: tuple[dict[str, Any], ...] = ()
    """The sets of test texts that were looked for, and what was found."""

    @property
    def source(self) -> dict[str, Any]:
        """The source as the recipe says it, without empty fields."""
        found: dict[str, Any] = {}
        for name, value in self.manifest.parts.params.get("data", {}).get("source", {}).items():
            # e.g. columns.target
            rows = {f"{name}.{inner}": one for inner, one in value.items()} if isinstance(value, dict) else {name: value}
            found |= {row: one for row, one in rows.items() if one not in (None, [], False)}
        return found

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
            "counts": self.manifest.counts,
            "languages": self.languages,
            "contamination": list(self.contamination),
            "findings": [{**found.model_dump(), "verdict": found.verdict} for found in self.findings],
            **self.facts.plain(),
        }


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
    return CorpusReport(name, manifest, facts, tuple(samples), findings, tuple(read_contamination(folder)))


def cut(text: str | None, most: int = CHARACTERS) -> str:
    """The beginning of a text, with a sign where it was cut."""
    text = text or ""
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
