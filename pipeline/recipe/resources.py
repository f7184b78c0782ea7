"""Which machine size each step runs on, where the recipe names another than its component's contract does.

The sizes are outside every section that a component takes as params, so moving a step to a larger machine changes no fingerprint.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, RootModel, model_validator


class Resources(RootModel[dict[str, str]]):
    """Machine size by step of the line, e.g. ``{"pretraining": "gpu-8"}``.

    `pipeline.launchers.check_sizes` refuses steps that the line does not have and sizes that do not exist.
    """

    model_config = ConfigDict(frozen=True)

    root: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
        """A step without a size, as the trigger form leaves it, keeps the size of its contract."""
        return {step: size for step, size in data.items() if size is not None} if isinstance(data, dict) else data

    def of(self, step: str, default: str) -> str:
        """The machine size of a step.

        Args:
            step: id of the step within the line. One of a further training seed (``finetuning-2``) has the size of the first, unless the
                recipe names it.
            default: what its component's contract asks for.
        """
        return self.root.get(step) or self.root.get(step.rpartition("-")[0], default)
