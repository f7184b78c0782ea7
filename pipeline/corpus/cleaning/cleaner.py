"""Cleans the records of a source by the recipe's ``data.filter`` and ``data.cleaning``, counts what it does, and keeps a few excerpts.

A cleaner belongs to one process. What it does to a record depends on that record alone, so a source may be cleaned in parts; the reports
of the parts are merged in the order of the source.
"""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

from pipeline.corpus.cleaning.base import Candidate, LooksAhead
from pipeline.corpus.cleaning.records import MAX_NAME_CHARS, CleanRecord, filter_reason, length_reason
from pipeline.corpus.cleaning.report import CleaningReport
from pipeline.corpus.cleaning.text_cleaner import TextCleaner
from pipeline.corpus.cleaning.too_long import fit
from pipeline.corpus.documents import Document, Filtered, Quarantined
from pipeline.erasure.tombstones import Forgotten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.corpus.cleaning.base import Block, Judge
    from pipeline.corpus.documents import Record
    from pipeline.recipe.data import Data
    from pipeline.tasks.base import TaskExamples

SPLIT_PARTS = "split_parts"
"""Count of the documents that splitting made beyond the first of each record."""

QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
"""A value in the reason why a record is quarantined."""


class _Filter(NamedTuple):
    """A started block that filters."""

    kind: str
    judge: Judge


class Cleaner(TextCleaner):
    """Record → documents, why it is quarantined, or why it is filtered."""

    def __init__(
        self,
        data: Data,
        home: Path,
        forgotten: Forgotten | None = None,
        *,
        prose: bool,
        last: Judge | None = None,
        model: Path | None = None,
    ) -> None:
        """Start the blocks of the recipe.

        Args:
            data: ``filter`` and ``cleaning``.
            home: folder that relative paths start from.
            forgotten: documents that no excerpt may show.
            prose: what ``whitespace: auto`` goes by; the task says it.
            last: a filter after those of the recipe, which was trained in the line.
            model: folder of the model that a block runs.

        Raises:
            BadInput: a file that a block names is missing, or is not the one that the recipe pins.
        """
        self.data, self.rules, self.blocks = data, data.filter, tuple(data.cleaning or ())
        changing = [block for block in self.blocks if block.stage != "filter"]
        super().__init__(data.filter.whitespace, changing, prose=prose, home=home, model=model)
        filtering = [block for block in self.blocks if block.stage == "filter"]
        self.filters = [_Filter(block.kind, block.start_with(home, model)) for block in filtering]  # type: ignore[arg-type]  # all of them filter
        started = [*(step.changer for step in self.changes), *(each.judge for each in self.filters)]
        self.ahead = next((one for one in started if isinstance(one, LooksAhead)), None)
        self.filters += [_Filter("quality", last)] if last else []
        self.hider = next((hider for block in self.blocks if (hider := block.hider()) is not None), None)
        self.report, self.forgotten = CleaningReport(), forgotten or Forgotten()
        self._repairs = {step.block.kind for step in self.repairs}
        """Blocks whose examples are not kept where a model hides something: it would have to know names in broken text."""
        self._changed: dict[str, tuple[str, str]] = {}
        """What changed in the record at hand: block → the first text before and after."""
        self._near: tuple[float, str] | None = None
        """How far its text is from the limit of a filter that scores, and the text."""

    def probe(self) -> Cleaner:
        """A cleaner that gives the step that looks ahead its texts, and keeps no count and no excerpt."""
        found = copy(self)
        place = next((number for number, each in enumerate(self.filters, start=1) if isinstance(each.judge, LooksAhead)), 0)
        found.filters, found.report, found.hider, found.ahead = self.filters[:place], CleaningReport(), None, None
        return found

    def documents(self, record: Record | Quarantined | Filtered, examples: TaskExamples) -> list[Document] | Quarantined | str:
        """What becomes of a record.

        Args:
            record: what was read.
            examples: the task's part that makes documents of records.

        Returns:
            The documents, in order; why the record is quarantined; or why it is filtered.
        """
        self._changed, self._near = {}, None
        if self.ahead:
            self.ahead.next_record()
        if isinstance(record, Filtered):
            return record.reason
        found = record if isinstance(record, Quarantined) else examples.document(record, self)
        if isinstance(found, Quarantined):
            return self._hide_quarantined(found)
        shown = not (isinstance(found, list) and any((one.id, one.text, one.pair) in self.forgotten for one in found))
        for kind, (before, after) in self._changed.items():
            self.report.counts[f"changed_{kind}"] += 1
            if shown and self.report.wants(kind) and not (self.ahead and kind in self._repairs):
                self.report.add_change(kind, self._hidden(before), self._hidden(after))
        if self._near and shown:
            self.report.add_borderline(self._near[0], self._hidden(self._near[1]))
        if isinstance(found, str):
            return found
        if self.hider and any(document.target and self.hider.change(document.target).text != document.target for document in found):
            return "private_target"  # a label: tasks change the answers that are written
        self.report.counts[SPLIT_PARTS] += len(found) - 1
        return found

    def clean(self, record: Record) -> CleanRecord | Quarantined | str:
        """Clean the texts of a record, and judge them.

        Returns:
            The texts, why the record is quarantined, or why it is filtered.
        """
        if not isinstance(record.text, str):
            return Quarantined("the text is a list", record.where, str(record.text)[:MAX_NAME_CHARS])
        text = self.text(record.text)
        pair = self.text(record.pair) if record.pair is not None else None
        answer = (record.target,) if isinstance(record.target, str) else ()
        return self.judged(record, text, pair, *answer)

    def judged(self, record: Record, text: str, pair: str | None = None, *others: str) -> CleanRecord | str:
        """The record with these texts, which are clean, or why it is filtered; its name and group are cleaned here.

        Args:
            record: its name, group and license count.
            text: the text.
            pair: the second text.
            others: written answers.
        """
        reason = filter_reason(text, self.rules) or (length_reason(pair, 1, self.rules.max_chars) if pair is not None else None)
        found = Candidate(text, tuple(one for one in (pair, *others, record.name, record.group) if one), record.license)
        for block in self.filters:
            if reason:
                break
            verdict = block.judge.judge(found)
            self.report.counts.update(verdict.counts)
            reason = verdict.reason
            if verdict.margin is not None and self.report.wants_borderline(verdict.margin) and ("", text, pair) not in self.forgotten:
                self._near = (verdict.margin, text)
        if reason:
            if (self.blocks or self.data.quality) and self.report.wants_filtered(reason):
                self.report.add_filtered(reason, self._hidden(text))
            return reason
        texts = fit(text, self.rules)
        self.report.counts["cut_texts"] += len(texts) == 1 and len(texts[0]) < len(text)
        return CleanRecord(texts, pair, self.line(record.name)[:MAX_NAME_CHARS], self.line(record.group))

    def note(self, block: Block, before: str, after: str, counts: Mapping[str, int]) -> None:
        """Count a change once for each record and block, and what the block found."""
        self._changed.setdefault(block.kind, (before, after))
        self.report.counts.update(counts)

    def _hidden(self, text: str) -> str:
        """A text of the record without what must not appear in any output."""
        text = self.hider.change(text).text if self.hider else text
        return self.ahead.hide(text) if self.ahead else text

    def _hide_quarantined(self, found: Quarantined) -> Quarantined:
        """A quarantined record without what must not appear. Broken text may hide a value from the search, so its excerpt is left out."""
        # a name that a reason quotes has no sentence around it, by which a model would know it
        reason = QUOTED.sub("…", found.reason) if self.ahead else found.reason
        reason = self.hider.change(reason).text if self.hider else reason
        return Quarantined(reason, found.where) if self.hider or self.ahead else found
