"""The whole recipe, and its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import Field, ValidationError

from pipeline.errors import BadInput, unknown_name
from pipeline.recipe.checks import check_consistency
from pipeline.recipe.data import Data
from pipeline.recipe.evaluation import Evaluation
from pipeline.recipe.experiment import Experiment
from pipeline.recipe.gate import Registration
from pipeline.recipe.model import Model
from pipeline.recipe.monitor import Monitor
from pipeline.recipe.names import check_names
from pipeline.recipe.notify import Notify
from pipeline.recipe.resources import Resources
from pipeline.recipe.schedule import Schedule
from pipeline.recipe.task import Task
from pipeline.recipe.tokenizer import Tokenizer
from pipeline.recipe.training import Finetuning, Pretraining
from pipeline.recipe.workers import Workers
from pipeline.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class Recipe(Section):
    """One model to keep fresh."""

    name: str = Field(pattern=NAME)
    """Name of the recipe and of its DAG: lower-case letters, digits, ``-`` and ``_``."""

    description: str = ""
    """One or two sentences for people."""

    schedule: Schedule | None = None
    """When Airflow starts the line by itself; without one, people start it."""

    data: Data
    """Where the text comes from."""

    task: Task
    """What the model is for: the section of one kind of task."""

    tokenizer: Tokenizer = Tokenizer()
    """How it becomes tokens."""

    model: Model
    """The architecture and size of the model."""

    pretraining: Pretraining | None = None
    """How it is trained without labels; if absent, fine-tuning starts from random weights."""

    finetuning: Finetuning | None = None
    """How it is trained on examples of the task; absent for a task without examples, where the pretrained model is the result."""

    evaluation: Evaluation = Evaluation()
    """How it is scored."""

    registration: Registration
    """The name under which it is registered, and the rules of promotion."""

    monitor: Monitor | None = None
    """How the model is watched after its promotion; absent: not at all. Not part of any fingerprint."""

    experiment: Experiment | None = None
    """What ``trainshed experiment`` tries; a run of the recipe ignores it."""

    notify: Notify | None = None
    """Who is notified about its runs. Not part of any fingerprint."""

    workers: Workers | None = None
    """Steps that several machines share. Not part of any fingerprint."""

    resources: Resources = Resources()
    """Machine sizes of its steps, where they differ from the contracts'. Not part of any fingerprint."""


def check_recipe(data: Any, origin: str) -> Recipe:  # noqa: ANN401 - whatever the YAML held
    """Validate parsed YAML.

    Args:
        data: what the file held.
        origin: its name in messages, usually the file's name.

    Raises:
        BadInput: a field is unknown (the near name is suggested), missing or wrong, or two fields do not fit together. The message
            shows the first problem only.
    """
    if not isinstance(data, dict):
        raise BadInput(f"{origin} contains a {type(data).__name__}", "a mapping of recipe sections", "see dags/recipes/ for examples")
    recipe = parse_recipe(data, origin)
    check_consistency(recipe, origin)
    return recipe


def parse_recipe(data: Any, origin: str) -> Recipe:  # noqa: ANN401 - whatever the YAML held
    """Validate each field by itself; arguments and errors as of `check_recipe`."""
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise _explain(error, origin) from error
    check_names(recipe, origin)
    return recipe


def _explain(error: ValidationError, origin: str) -> BadInput:
    """Turn pydantic's first error into one line, with the near name for an unknown field."""
    errors = error.errors()
    # a misspelt field is also a missing one: the misspelling is the better message
    first = next((found for found in errors if found["type"] == "extra_forbidden"), errors[0])
    names, section = _place(first["loc"])
    place = ".".join(names)
    if first["type"] == "extra_forbidden":
        return unknown_name(f"field in {origin}:", place, [".".join([*names[:-1], name]) for name in section.model_fields])
    if first["type"] in ("missing", "union_tag_not_found"):
        place += ".kind" if first["type"] == "union_tag_not_found" else ""
        return BadInput(f"{origin}: no {place}", "a value for it", f"add {place} to the recipe")
    if first["type"] == "union_tag_invalid":
        return unknown_name(
            f"{place}.kind in {origin}:", str(first["ctx"]["tag"]), first["ctx"]["expected_tags"].replace("'", "").split(", ")
        )
    wanted = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return BadInput(f"{origin}: {place} = {first['input']!r}", wanted, f"correct {place}")


def _place(location: tuple[int | str, ...]) -> tuple[list[str], type[Section]]:
    """The names of fields on pydantic's way to an error, and the section of the last one.

    Below a section of several kinds, pydantic adds the kind to the way; that is no field. An integer is a place in a list.
    """
    names: list[str] = []
    section: type[Section] = Recipe
    inside = [section]
    for part in location:
        if isinstance(part, int):
            names.append(str(part))
            continue
        if len(inside) > 1:
            inside = [next(option for option in inside if part in get_args(option.model_fields["kind"].annotation))]
            continue
        section = inside[0] if inside else section
        names.append(part)
        inside = list(_sections(section.model_fields[part].annotation)) if part in section.model_fields else []
    return names, section


def _sections(annotation: Any) -> Iterator[type[Section]]:  # noqa: ANN401 - any annotation of a field
    """The sections that a field may hold, in a list too."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections(inner)
