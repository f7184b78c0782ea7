"""Fine-tuning: learn a task from (text, target) pairs."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.model import Model
from pipeline.recipe.task import Task
from pipeline.recipe.training import Finetuning


class FinetuningParams(Params):
    """What fine-tuning needs to know."""

    model: Model
    """Shape of the model; used without a pretrained base, and checked against the base otherwise."""

    task: Task
    """What is learned."""

    finetuning: Finetuning
    """Steps, optimizer, early stopping."""


contract = Component(
    name="finetuning",
    verb="finetune",
    version=1,
    summary="Train a model on (text, target) pairs, stopping early when the validation loss no longer falls.",
    params=FinetuningParams,
    inputs={"tokens": Input(ArtifactType.TOKENS), "base": Input(ArtifactType.MODEL, optional=True)},
    output=ArtifactType.MODEL,
    image="training",
    libraries=("numpy", "torch", "transformers"),
    resources="gpu-1",
    trains=True,
)
