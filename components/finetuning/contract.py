"""Fine-tuning: learn a task from examples."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Option, Params
from pipeline.recipe.model import Model
from pipeline.recipe.task import Task
from pipeline.recipe.training import Finetuning


class FinetuningParams(Params):
    """What fine-tuning needs to know."""

    model: Model
    """Family and configuration of the model; with a base, its context only."""

    task: Task
    """What is learned."""

    finetuning: Finetuning
    """Steps, optimizer, early stopping."""


contract = Component(
    name="finetuning",
    verb="finetune",
    version=1,
    summary="Train a model on the examples of a task, stopping early when the validation loss or a metric no longer improves.",
    params=FinetuningParams,
    inputs={
        "tokens": Input(ArtifactType.TOKENS, parts=("tokenizer", "examples")),
        "base": Input(ArtifactType.MODEL, optional=True),
        "corpus": Input(ArtifactType.CORPUS, optional=True, parts=("validation-*.parquet",)),
    },
    output=ArtifactType.MODEL,
    task_parts=("encode", "model"),
    image="training",
    libraries=("numpy", "peft", "tokenizers", "torch", "transformers"),
    options=(
        Option("task.image_size", libraries=("pillow",)),  # what the model is served with opens images
        Option(
            "finetuning.stop_on",
            task_parts=("scoring",),
            libraries=("pyarrow", "regex", "rouge-score", "sacrebleu", "scikit-learn", "scipy", "seqeval"),
        ),
    ),
    resources="gpu-1",
    trains=True,
    budget="finetuning.until",
)
