"""The documentation of a DAG in Airflow's pages: the manual, the recipe's description, its steps and its params."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow.sdk import Param

    from pipeline.lines import Step
    from pipeline.recipe import Recipe


def document(recipe: Recipe, steps: Iterable[Step], params: Mapping[str, Param], manual: str) -> str:
    """Markdown for Airflow's documentation panel.

    Args:
        recipe: the recipe of the DAG.
        steps: its steps.
        params: its trigger form.
        manual: the docstring of the DAG file.
    """
    rows = [f"| `{step.id}` | {step.component.summary} |" for step in steps]
    settings = [f"| `{name}` | `{_cell(param.value)}` | {_cell(param.description)} |" for name, param in params.items()]
    return "\n".join(
        [
            f"# {recipe.name}",
            recipe.description,
            "",
            manual.strip(),
            "",
            "## Steps",
            "| step | what it does |",
            "|---|---|",
            *rows,
            "",
            "## Params",
            "| param | in this recipe | meaning |",
            "|---|---|---|",
            *settings,
        ]
    )


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
