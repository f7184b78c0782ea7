"""`report.html`: the report for people.

The template is a Python module, so the code digest of evaluation covers it: an edited template gives a new report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from pipeline.evaluation.html_template import TEMPLATE
from pipeline.evaluation.plots import draw_history, draw_systems
from pipeline.evaluation.samples import choose_samples
from pipeline.evaluation.systems import MODEL, UNTRAINED, load_baselines
from pipeline.metrics.load_metric import load_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.evaluation.nearest import Nearest
    from pipeline.evaluation.results import SplitResult
    from pipeline.evaluation.scoring import Scoring
    from pipeline.metrics.base import Metric

SPLITS = {
    "test": ("Test", "Documents that a hash kept out of training. Near copies of them may have been in training."),
    "held_out": ("Held out", "Whole groups (packages, sites, authors) of which training saw nothing: the harder and more honest question."),
}
MODELS = {MODEL: "the trained model", UNTRAINED: "the same model before its first training step"}
FEW_GROUPS = 10
"""With fewer groups an interval is too narrow to believe."""


def render_page(
    report: Mapping[str, Any],
    results: Sequence[SplitResult],
    scoring: Scoring,
    history: Sequence[Mapping[str, float]],
    shown: int,
    nearest: Sequence[Nearest] = (),
) -> str:
    """Render the report.

    Args:
        report: the content of `report.json`.
        results: the scored splits.
        scoring: how the task's answers are scored and shown.
        history: rows of the training curve.
        shown: examples of each split to show side by side.
        nearest: tables of nearest neighbours.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    baselines = {name: baseline.description for name, baseline in load_baselines(scoring).items()}
    return environment.from_string(TEMPLATE).render(
        model=report["model"],
        params=report["params"],
        baselines=report["baselines"],
        curves=draw_history(history),
        splits=[_split_section(result, scoring, report["splits"][result.split], shown) for result in results],
        nearest=nearest,
        contamination=report["contamination"],
        primary=load_metric(scoring.primary),
        descriptions=MODELS | baselines,
        main=MODEL,
        untrained=UNTRAINED,
    )


def _split_section(result: SplitResult, scoring: Scoring, summary: Mapping[str, Any], shown: int) -> dict[str, Any]:
    """The template's values for one split."""
    title, meaning = SPLITS[result.split]
    systems, primary = summary["systems"], load_metric(scoring.primary)
    metrics = [load_metric(name) for name in scoring.metrics if name in systems[MODEL]]
    order = _order(systems, primary)
    compared = [name for name in order if primary.name in systems[name]]
    return {
        "title": title,
        "meaning": meaning,
        "summary": summary,
        "order": order,
        "metrics": metrics,
        "columns": [metric for metric in metrics if 2 * sum(metric.name in said for said in systems.values()) >= len(systems)],
        "confused": "tags" if scoring.answers == "tags" else "classes",
        "few_groups": summary["groups"] < FEW_GROUPS,
        "bars": draw_systems(systems, compared, primary, f"{primary.title}, {title.lower()}"),
        "samples": choose_samples(result, scoring, primary, shown),
    }


def _order(systems: Mapping[str, Any], primary: Metric) -> list[str]:
    """The model, then the others from the best to the worst; those without the primary metric last."""

    def place(name: str) -> tuple[bool, float, str]:
        said = systems[name].get(primary.name)
        return said is None, -primary.sign * said["value"] if said else 0.0, name

    return [MODEL, *sorted((name for name in systems if name != MODEL), key=place)]
