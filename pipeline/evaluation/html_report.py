"""`report.html`: the report for people.

The template is a Python module, so the code digest of evaluation covers it: an edited template gives a new report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from pipeline.evaluation.html_template import TEMPLATE
from pipeline.evaluation.metrics import METRICS
from pipeline.evaluation.plots import draw_history, draw_systems
from pipeline.evaluation.systems import MODEL, UNTRAINED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.evaluation.results import SplitResult

SPLITS = {
    "test": ("Test", "Documents that a hash kept out of training. Near copies of them may have been in training."),
    "held_out": ("Held out", "Whole groups (packages, sites, authors) of which training saw nothing: the harder and more honest question."),
}
SYSTEMS = {
    MODEL: "the trained model",
    UNTRAINED: "the same model before its first training step",
    "lead": "the first words of the text, as many as a summary has on average",
    "most_frequent": "the most frequent training summary, for everything",
    "name_template": "“Return the” and the words of the name",
    "nearest_neighbour": "the summary of the most similar training text",
}


def render_page(report: Mapping[str, Any], results: Sequence[SplitResult], history: Sequence[Mapping[str, float]], shown: int) -> str:
    """Render the report.

    Args:
        report: the content of `report.json`.
        results: the scored splits.
        history: rows of the training curve.
        shown: examples of each split to show side by side.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE).render(
        model=report["model"],
        params=report["params"],
        curves=draw_history(history),
        splits=[_split_section(result, report["splits"][result.split], shown) for result in results],
        metrics=METRICS,
        descriptions=SYSTEMS,
        main=MODEL,
    )


def _split_section(result: SplitResult, summary: Mapping[str, Any], shown: int) -> dict[str, Any]:
    """The template's values for one split."""
    title, meaning = SPLITS[result.split]
    systems = summary["systems"]
    order = [MODEL, *sorted((name for name in systems if name != MODEL), key=lambda name: (-systems[name]["rougeL"]["mean"], name))]
    return {
        "title": title,
        "meaning": meaning,
        "summary": summary,
        "order": order,
        "bars": draw_systems(systems, order, "rougeL", f"ROUGE-L, {title.lower()}"),
        "samples": [_sample(result, index) for index in _evenly_spread(len(result.examples), shown)],
    }


def _evenly_spread(count: int, shown: int) -> list[int]:
    """Indices of examples, evenly spread; examples are in order of their ids, which are arbitrary."""
    wanted = min(count, shown)
    return [index * count // wanted for index in range(wanted)]


def _sample(result: SplitResult, index: int) -> dict[str, Any]:
    """One example with what every system wrote."""
    document = result.examples[index]
    written = {system: (outputs[index], result.scores[system]["rougeL"][index]) for system, outputs in result.outputs.items()}
    return {"name": document.name, "source": document.text, "reference": document.target, "written": written}
