"""What the evaluated model is, in words for the report and as numbers for `report.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.models.files import Loaded


def describe_model(loaded: Loaded) -> dict[str, Any]:
    """The model's info, its number of parameters, and ``title`` and ``sentence`` for people."""
    info, parameters = loaded.info, sum(weight.numel() for weight in loaded.model.parameters())
    kind = info.kind.value.replace("_", "-")
    classes = f"{len(info.head.labels)} classes; " if info.head.labels else ""
    sentence = (
        f"{info.family} ({kind}), {parameters:,} parameters; vocabulary of {info.vocabulary.size:,} tokens; at most {info.context} tokens "
        f"read; {classes}task: {(info.task or {}).get('kind', 'none')}."
    )
    return {**info.to_json(), "parameters": parameters, "title": f"Evaluation of a {info.family} model", "sentence": sentence}
