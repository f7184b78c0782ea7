"""Cleans some records ahead, so that a step with a model reads their texts together; the records come out as they came in.

A block of records is filled from one chunk and in its order, so what is read together depends on the chunk alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pipeline.corpus.documents import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.corpus.cleaning.cleaner import Cleaner
    from pipeline.reporter import Reporter
    from pipeline.tasks.base import TaskExamples

RECORDS, CHARACTERS = 512, 1 << 20
"""Of a block, at most: records, and characters of their texts before the last one."""

Read = TypeVar("Read")


def look_ahead(records: Iterable[Read], cleaner: Cleaner, examples: TaskExamples, reporter: Reporter) -> Iterator[Read]:
    """The records of a chunk, whose texts the step that looks ahead has seen when they come out.

    Args:
        records: what a reader yields.
        cleaner: of the chunk.
        examples: makes documents of records.
        reporter: gets heartbeats, and may ask to stop.

    Raises:
        Preempted: asked to stop.
    """
    step = cleaner.ahead
    if step is None:
        yield from records
        return
    probe, held = cleaner.probe(), list[Read]()
    for record in records:
        held.append(record)
        if isinstance(record, Record):
            with step.gather():
                probe.documents(record, examples)
        if len(held) >= RECORDS or step.waiting >= CHARACTERS:
            step.look(reporter)
            yield from held
            held = []
    step.look(reporter)
    yield from held
