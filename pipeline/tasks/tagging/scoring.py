"""How tags are scored: spans by their F-measure, single tags by their share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.evaluation.scoring import Scoring

if TYPE_CHECKING:
    from pipeline.corpus.documents import Document
    from pipeline.metrics.base import Answer
    from pipeline.tasks.tagging.section import Tagging


def make_scoring(task: Tagging) -> Scoring:
    """One tag for each token."""
    metrics = ("span_f1", "token_accuracy") if task.spans else ("token_accuracy",)
    return Scoring(
        answers="tags",
        metrics=metrics,
        primary=metrics[0],
        baselines=("frequent_tag",),
        beats=("frequent_tag",),
        reference=_tags,
        show=lambda answer: " ".join(answer) if isinstance(answer, list) else "",
    )


def _tags(document: Document) -> Answer:
    """The tags of a document."""
    return None if document.target is None else list(json.loads(document.target))
