"""``trainshed compile --to kfp``: the file that Kubeflow Pipelines runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from pipeline.errors import BadInput
from pipeline.kfp.identity import identity_of
from pipeline.kfp.ir import END, pipeline_spec, placements
from pipeline.kfp.platform import platform_spec
from pipeline.launchers.check_sizes import check_sizes
from pipeline.lines import trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


class Plain(yaml.SafeDumper):
    """Writes equal parts in full, without YAML aliases, for people who read the file."""

    def ignore_aliases(self, _data: object) -> bool:
        """Never write an alias."""
        return True


def compile_recipe(recipe: Recipe, settings: Settings) -> str:
    """The recipe's line as IR YAML, for this checkout's code and these settings.

    Raises:
        BadInput: the store is a folder; a machine size is unknown or has several nodes; a result-bearing library is not installed.
    """
    if not settings.store.startswith("s3://"):
        raise BadInput(f"the store is {settings.store}, which containers cannot read", fix="set TRAINSHED_STORE to s3://bucket/prefix")
    text = render(recipe, {step.id: identity_of(step) for step in trace(recipe)}, settings)
    check_sizes(recipe, settings)
    return text


def render(recipe: Recipe, identities: Mapping[str, str], settings: Settings) -> str:
    """Build both documents of the file, without side effects: tests compare them with golden copies.

    Args:
        recipe: the model to keep fresh.
        identities: what each step is compiled from, by id.
        settings: images, addresses, the names of Secrets.

    Raises:
        BadInput: a machine size has several nodes.
    """
    steps = trace(recipe)
    placed = placements(recipe, steps, settings)
    for name, one in placed.items():
        if one.machine.nodes > 1 and name != END:
            raise BadInput(
                f"{name}: machine size {one.machine.name!r} is {one.machine.nodes} nodes",
                "one node: a task of kfp is one container",
                "name a size of one node under resources: in the recipe",
            )
    documents = [pipeline_spec(recipe, steps, placed, identities, settings), platform_spec(placed, settings)]
    text: str = yaml.dump_all(documents, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)
    return text
