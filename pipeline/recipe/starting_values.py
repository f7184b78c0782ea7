"""Values of a new recipe: a small model of a kind that can do the task, built from scratch, or given weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput
from pipeline.extension_points import table
from pipeline.families.families import find_family
from pipeline.families.kinds import Kind
from pipeline.recipe.checks import OBJECTIVES
from pipeline.recipe.model import DEFAULT_CONTEXT

if TYPE_CHECKING:
    from pipeline.families.families import Family
    from pipeline.tasks.section import TaskSection

FAMILIES = {
    Kind.ENCODER: "bert",
    Kind.ENCODER_DECODER: "t5",
    Kind.DECODER: "qwen3",
    Kind.STATIC: "word_vectors",
    Kind.IMAGE_TO_TEXT: "vision-encoder-decoder",
}
"""The family of a new recipe by kind of model; of the kinds that can do a task, the first one here is taken. An encoder classifies
best for its size, and an encoder-decoder needs no separator between source and answer."""

SIZES: tuple[tuple[int, tuple[tuple[str, ...], ...]], ...] = (
    (128, (("d_model",), ("n_embd",), ("dim",), ("hidden_size",))),
    (2, (("num_layers",), ("n_layer",), ("n_layers",), ("encoder_layers", "decoder_layers"), ("num_hidden_layers",))),
    (4, (("num_heads",), ("n_head",), ("n_heads",), ("encoder_attention_heads", "decoder_attention_heads"), ("num_attention_heads",))),
    (2, (("num_key_value_heads",),)),
    (32, (("d_kv",), ("head_dim",))),
    (512, (("d_ff",), ("n_inner",), ("hidden_dim",), ("encoder_ffn_dim", "decoder_ffn_dim"), ("intermediate_size",))),
)
"""Width, layers, heads, key-value heads, width of a head and of the feed-forward layers. Each has the names that families give it;
the first names that a family has are used."""

NEW = {"steps": 1000, "batch": 64}
GIVEN = {"steps": 1000, "batch": 32, "optimizer": "adamw", "learning_rate": 5e-5, "warmup": 0.1, "decay": 0.9}
"""Fine-tuning of given weights: AdamW with a small, linearly falling learning rate, as in BERT (arXiv 1810.04805, A.3)."""


def example_task(kind: str, **fields: Any) -> TaskSection:  # noqa: ANN401 - any YAML values
    """The section of a task; a required field has the first of its ``examples`` as value.

    Raises:
        BadInput: no such kind.
    """
    section: type[TaskSection] = table("trainshed.tasks").load(kind)
    required = {name: found.examples[0] for name, found in section.model_fields.items() if found.is_required() and found.examples}
    return section.model_validate({"kind": kind, **required, **fields})


def starting_values(name: str, task: TaskSection, family: str | None, start: str | None) -> dict[str, Any]:
    """The fields of a new recipe that differ from their defaults or have none, apart from ``task``.

    Args:
        name: of the recipe.
        task: the section of its task.
        family: of a new model; None takes one that can do the task.
        start: given weights, in the place of a family.

    Raises:
        BadInput: both family and start, or no such family.
    """
    if family and start:
        raise BadInput("both a family and a start", "a family for a new model, or a start for given weights", "leave one out")
    columns = {"text": "text"} | ({"target": "target"} if task.needs_target else {}) | ({"pair": "pair"} if task.needs_pair else {})
    source = {"kind": "jsonl", "path": f"data/{name}.jsonl", "columns": columns}
    if task.reads_images:
        source = {"kind": "images", "path": f"data/{name}", "columns": columns}
    values: dict[str, Any] = {
        "name": name,
        "description": "",
        "data": {"source": source, "split": {"salt": name}},
    }
    if start:
        values |= {"model": {"start": start}}
        values |= {"finetuning": dict(GIVEN)} if task.finetuned else {"pretraining": {"objective": _objective(task.kinds()[0]), **GIVEN}}
    else:
        values |= _new_model(task, family or next(FAMILIES[kind] for kind in FAMILIES if kind in task.kinds()))
    return {**values, "evaluation": {"examples": 1000}, "registration": {"model": name}}


def _new_model(task: TaskSection, name: str) -> dict[str, Any]:
    """Sections of a model that is built from scratch: pretrained on the corpus, then fine-tuned if the task has examples."""
    family = find_family(name)
    return {
        "model": {"family": name, "config": _sizes(family), "context": max(DEFAULT_CONTEXT, task.longest(family.kind))},
        "tokenizer": {"vocabulary": 4096},
        **({"pretraining": {"objective": _objective(family.kind), **NEW}} if family.kind in OBJECTIVES.values() else {}),
        **({"finetuning": dict(NEW)} if task.finetuned else {}),
    }


def _objective(kind: Kind) -> str:
    """The objective that pretrains a kind of model."""
    return next(objective for objective, trained in OBJECTIVES.items() if trained is kind)


def _sizes(family: Family) -> dict[str, Any]:
    """A small configuration: about a million weights beside the embeddings. A family with parts has one for each."""
    parts = dict.fromkeys(field.partition(".")[0] for field in family.fields if "." in field)
    if parts:
        inside = {part: [field.partition(".")[2] for field in family.fields if field.startswith(f"{part}.")] for part in parts}
        return {part: _sizes(family._replace(fields=tuple(fields))) for part, fields in inside.items()}
    found: dict[str, Any] = {}
    for size, names in SIZES:
        fields = next((fields for fields in names if set(fields) <= set(family.fields)), ())
        found |= dict.fromkeys(fields, size)
    return found
