"""The body of the check: read the corpus once, ask the rules, write page and card, and stop the run if a rule says so."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from components.data_check.contract import DataCheckParams, contract
from pipeline.corpora.card import render_card
from pipeline.corpora.facts import read_facts
from pipeline.corpora.page import render_page
from pipeline.corpora.report import make_report
from pipeline.corpora.rules import Looked, ask, refuse
from pipeline.runtime import main

if TYPE_CHECKING:
    from pipeline.runtime import Work

log = logging.getLogger(__name__)


def check_data(work: Work[DataCheckParams]) -> None:
    """Corpus → page, card and findings."""
    corpus, recipe = work.inputs["corpus"], work.request.recipe
    facts = read_facts(corpus.folder)
    compared = {
        name: (work.inputs[name].folder, work.inputs[name].manifest.counts) for name in ("previous", "champion") if name in work.inputs
    }
    findings = ask(work.params.checks.rules, Looked(corpus.folder, corpus.manifest.counts, facts, compared))
    report = make_report(recipe, corpus.manifest, corpus.folder, facts, tuple(findings))
    (work.output / "report.json").write_text(json.dumps(report.plain(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (work.output / "report.html").write_text(render_page(report), encoding="utf-8")
    (work.output / "README.md").write_text(render_card(report), encoding="utf-8")
    # before the run is stopped: whoever has to correct the data needs the page
    for path in sorted(work.output.iterdir()):
        work.tracking.log_file(path)
    for found in findings:
        if not found.met:
            log.warning("data.checks: %s is %s; expected %s", found.rule, found.value, found.limit)
    work.counts.update({f"rules_{word}": sum(found.verdict == word for found in findings) for word in ("met", "warning", "stopped")})
    refuse(findings, f"trainshed data show {work.request.run}")


if __name__ == "__main__":
    main(contract, check_data)
