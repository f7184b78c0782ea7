"""Evaluation: score one model on the test splits of a corpus, beside the untrained model and the baselines."""

from pipeline.artifacts.types import ArtifactType
from pipeline.component import Component, Input, Params
from pipeline.recipe.evaluation import Evaluation
from pipeline.recipe.task import Task


class EvaluationParams(Params):
    """What evaluation needs to know."""

    task: Task
    """How answers are scored and shown."""

    evaluation: Evaluation
    """How many examples, how many resamples."""


contract = Component(
    name="evaluation",
    verb="evaluate",
    version=1,
    summary="Score a model on the test splits of a corpus, beside the untrained model and the baselines.",
    params=EvaluationParams,
    inputs={
        "corpus": Input(ArtifactType.CORPUS),
        "checked": Input(ArtifactType.DATA_REPORT, optional=True, parts=("report.json",), identity=False),
        "model": Input(ArtifactType.MODEL),
        "base": Input(ArtifactType.MODEL, optional=True),
    },
    output=ArtifactType.REPORT,
    task_parts=("encode", "model", "scoring", "serving"),
    image="training",
    libraries=("numpy", "regex", "rouge-score", "sacrebleu", "scikit-learn", "scipy", "seqeval", "torch", "transformers"),
    resources="gpu-1",
)
