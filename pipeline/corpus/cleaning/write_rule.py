"""The files of a corpus that say how its texts were cleaned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.corpus import CLEANING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.corpus.cleaning.report import CleaningReport
    from pipeline.recipe.data import Data


def write_rule(data: Data, report: CleaningReport, folder: Path) -> None:
    """Write the rule for served models, and the excerpts if the recipe names a block.

    Args:
        data: ``filter`` and ``cleaning`` of the recipe.
        report: of all records.
        folder: of the corpus.
    """
    blocks = data.cleaning or ()
    rule: dict[str, Any] = {"whitespace": data.filter.whitespace}
    served = [block.model_dump(mode="json", exclude_none=True) for block in blocks if block.served and block.stage != "filter"]
    if served:
        rule["blocks"] = served
    (folder / CLEANING).write_text(json.dumps(rule) + "\n", encoding="utf-8")
    if blocks or data.quality:
        report.write(folder)
