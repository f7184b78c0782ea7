"""What the evaluated model is, in words for the report and as numbers for `report.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.models.files import Loaded


def describe_model(loaded: Loaded) -> dict[str, Any]:
    """The model's info, its number of parameters, and ``title`` and ``sentence`` for people."""
    info, parameters = loaded.info, sum(weight.numel() for weight in loaded.model.parameters())
    shape = info.shape
    sentence = (
        f"{parameters:,} parameters, {shape.layers} layers of width {shape.width}{', copy head' if shape.copy_head else ''}; "
        f"vocabulary of {info.vocabulary:,} tokens; task: {info.task}; at most {info.max_source_tokens} tokens read and "
        f"{info.max_target_tokens} written, decoded greedily."
    )
    return {**info.to_json(), "parameters": parameters, "title": f"Evaluation of a {shape.family} model", "sentence": sentence}
