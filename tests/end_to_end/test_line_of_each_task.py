"""The line of each task: from its recipe to a champion that answers as the registry serves it."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
import pytest
from fixtures.shapes import draw
from fixtures.task_recipes import task_recipe

from pipeline.registry.ledger import Ledger
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)  # whole lines run

REQUESTS: dict[str, list[dict[str, Any]]] = {
    "captioning": [{"image": base64.b64encode(draw("red circle", "blue square", 5, kind=kind)).decode()} for kind in ("PNG", "JPEG")]
    + [{"image": ""}],
    "embedding": [{"text": "Open the file."}, {"text": ""}, {"text": "word " * 90}],
    "language_model": [{"text": "Takes the file"}, {"text": "naïve: 日本語 " * 40}],
    "tagging": [{"tokens": ["Ada", "is", "in", "New York", "\u200b"]}, {"tokens": []}, {"tokens": ["word"] * 60}],
    "word_vectors": [{"text": "file"}, {"text": "Open the socket."}, {"text": "unknownword"}],
    "translation": [{"text": "Open the file number 7.", "language": language} for language in ("de", "fr")]
    + [{"text": "", "language": "de"}],
}


def plain(value: Any) -> Any:
    """Columns as lists and numbers that another machine may round otherwise."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-4, abs=1e-6)
    return value if isinstance(value, str) or value is None else [plain(inner) for inner in value]


@pytest.mark.parametrize("kind", [kind if kind == "captioning" else pytest.param(kind, marks=pytest.mark.prove) for kind in REQUESTS])
def test_from_a_recipe_to_a_champion_that_answers(kind: str, make_line, tmp_path: Path) -> None:
    line = make_line(kind)
    line = replace(line, recipe=task_recipe(kind, tmp_path, f"{kind.replace('_', '-')}-{tmp_path.name.strip('_').lower()}"[:60]))
    line.run()
    name = line.recipe.registration.model
    champion = Ledger(line.artifacts.store, name).champion()
    last = "finetuning" if line.recipe.finetuning else "pretraining"
    assert champion.digest == line.manifest(last).digest
    mlflow.set_tracking_uri(line.settings.mlflow_uri)
    served = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    answered = served.predict(pd.DataFrame(REQUESTS[kind])).to_dict("list")
    folder = line.artifacts.open(line.manifest(last), tmp_path / "model")
    assert plain(answered) == plain(dict(Answerer.load(folder).answer(REQUESTS[kind])))
    assert line.run().launched == []
