"""A request with several artifacts of one input."""

from __future__ import annotations

import pytest

from components.registration.contract import contract
from pipeline.artifacts.manifest import Reference
from pipeline.component import numbered, several
from pipeline.errors import BadInput
from pipeline.runs.request import Request
from pipeline.runtime.check_request import check_inputs


def request(**kinds: str) -> Request:
    inputs = {
        name.replace("_no", "-"): Reference(type=kind, stage=kind, fingerprint=name, digest=name)
        for name, kind in {"model": "model", "report": "report", **kinds}.items()
    }
    return Request(run="r", recipe="x", step="registration", stage="registration", params={}, inputs=inputs, fingerprint="f")


def test_an_input_that_takes_several_has_numbered_names() -> None:
    check_inputs(contract, request(report_no2="report", champion_report="report", champion_report_no2="report"))
    assert [numbered("report", number) for number in (1, 2, 3)] == ["report", "report-2", "report-3"]
    assert several({"report": 1, "report-3": 3, "report-2": 2, "other": 4}, "report") == [1, 2, 3]
    assert several({"report-2": 2}, "report") == []


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({"report_no2": "corpus"}, "input 'report-2' is a corpus; expected a report"),
        ({"model_no2": "model"}, "unknown input 'model-2'; expected only model, report, champion_report"),
        ({"report_no1": "report"}, "unknown input 'report-1'"),
    ],
)
def test_what_the_contract_does_not_take_is_refused(kinds: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check_inputs(contract, request(**kinds))
