"""The second reading of `pydocs-topics` names no package, and changes nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from benchmarks.quality.hidden_names import hide_names, names_of, without
from pyarrow import parquet, table

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("numpy", "scikit-learn", "torch")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("As numpy.linalg.norm does, for a Tensor", "As … does, for a Tensor"),
        ("torchvision and PyTorch, scikit-learn or sklearn", "… and …, …-… or …"),
        ("a …ing rate of ….nn.Module", "a … rate of …"),
        ("`np.array`, by torch.", "`np.array`, by …"),
        ("Nothing here.", "Nothing here."),
    ],
)
def test_a_word_that_names_a_class_is_hidden(text: str, hidden: str) -> None:
    assert without(names_of(CLASSES), text) == hidden


def test_all_splits_are_read_without_names(tmp_path: Path) -> None:
    corpus, output = tmp_path / "corpus", tmp_path / "output"
    corpus.mkdir()
    output.mkdir()
    (corpus / "labels.json").write_text(json.dumps(CLASSES))
    for split in ("train", "validation", "test"):
        rows = table({"id": ["a", "b"], "text": ["Like numpy.", "Unlike it."], "target": ["torch", None]})
        parquet.write_table(rows, corpus / f"{split}-00000.parquet")
    hide_names(corpus, output)
    assert sorted(file.name for file in output.iterdir()) == sorted(file.name for file in corpus.iterdir())
    for split in ("train", "validation", "test"):
        found = parquet.read_table(output / f"{split}-00000.parquet")
        assert found.to_pydict() == {"id": ["a", "b"], "text": ["Like …", "Unlike it."], "target": ["torch", None]}
