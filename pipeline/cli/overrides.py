"""The option ``--set FIELD=VALUE``: change fields of a recipe for one run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.recipe import Recipe

EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


def read_overrides(options: list[str]) -> dict[str, Any]:
    """``["finetuning.learning_rate=1e-3"]`` as a mapping; values are read as YAML.

    Raises:
        BadInput: no ``=``, or a value that is not YAML.
    """
    import yaml

    read = {}
    for option in options:
        field, equals, value = option.partition("=")
        if not equals:
            raise BadInput(f"--set {option}", "FIELD=VALUE", "write e.g. --set finetuning.learning_rate=0.001")
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise BadInput(f"--set {option}", "a YAML value after the =", "quote the value") from error
        read[field.strip()] = _number(parsed)
    return read


def apply_overrides(recipe: Recipe, overrides: dict[str, Any]) -> Recipe:
    """The recipe with changed fields, validated again."""
    from pipeline.recipe.overrides import override

    return override(recipe, overrides, "--set") if overrides else recipe


def _number(value: object) -> object:
    """YAML 1.1 reads ``1e-3`` as a string, because it has no decimal point; here it is a number."""
    return float(value) if isinstance(value, str) and EXPONENT.fullmatch(value) else value
