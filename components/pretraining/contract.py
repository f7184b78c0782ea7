"""Pretraining: learn from text without labels."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.model import Model
from pipeline.recipe.task import Task
from pipeline.recipe.training import Pretraining


class PretrainingParams(Params):
    """What pretraining needs to know."""

    model: Model
    """Family and configuration of the model; with a base, its context only."""

    pretraining: Pretraining
    """Objective, steps, optimizer."""

    task: Task | None
    """What the model is for, where the pretrained model is the result; None for a base model."""


contract = Component(
    name="pretraining",
    verb="pretrain",
    version=1,
    summary="Train a model on text without labels: span corruption, prefix, causal or masked language modelling, or word vectors.",
    params=PretrainingParams,
    inputs={
        "tokens": Input(ArtifactType.TOKENS, parts=("tokenizer", "streams")),
        "base": Input(ArtifactType.MODEL, optional=True),
    },
    output=ArtifactType.MODEL,
    task_parts=("encode", "model"),
    image="training",
    libraries=("numpy", "tokenizers", "torch", "transformers"),
    resources="gpu-1",
    trains=True,
    budget="pretraining.until",
)
