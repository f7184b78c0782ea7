"""The page of a corpus: one HTML file without scripts or outside resources, for light and dark mode."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from pipeline.corpora.facts import QUANTILES
from pipeline.corpora.page_template import TEMPLATE
from pipeline.corpora.plots import draw_lengths
from pipeline.corpora.report import cut
from pipeline.corpora.thumbnails import THUMBNAIL, data_uri

if TYPE_CHECKING:
    from pipeline.corpora.report import CorpusReport

CLASSES = 40
"""Classes that are listed."""

MEANINGS = {
    "train": "what models learn from",
    "validation": "what decides when training stops",
    "test": "what reports and the gate score",
    "held_out": "whole groups of which training saw nothing",
}


def render_page(report: CorpusReport) -> str:
    """Render the page; the same report gives the same bytes."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    classes = report.facts.classes.most_common()
    return environment.from_string(TEMPLATE).render(
        report=report,
        facts=report.facts,
        counts=report.manifest.counts,
        made=report.manifest.provenance,
        quantiles=QUANTILES,
        classes=classes[:CLASSES],
        more_classes=len(classes) - CLASSES,
        most_class=classes[0][1] if classes else 1,
        all_classes=sum(count for _, count in classes),
        lengths=draw_lengths(report.facts),
        meanings=MEANINGS,
        cut=cut,
        thumbnail=partial(data_uri, most=THUMBNAIL),
    )
