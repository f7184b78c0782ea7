"""The systems that write outputs: the model, the same model untrained, and the baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.evaluation.baselines import BASELINES
from pipeline.lookup import load
from pipeline.models.build import build_model
from pipeline.models.files import Loaded
from pipeline.serving.answer import Answerer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.corpus.documents import Document
    from pipeline.evaluation.baselines.base import Baseline
    from pipeline.evaluation.pass_progress import PassProgress

MODEL = "model"
UNTRAINED = "untrained"


def untrained(loaded: Loaded) -> Loaded:
    """The same architecture and tokenizer with the seed's initial weights."""
    info = loaded.info
    fresh = build_model(info.shape, info.vocabulary, info.specials, dropout=0.0, seed=info.seed)
    device = next(loaded.model.parameters()).device
    return Loaded(fresh.to(device).eval(), loaded.tokenizer, info)


def model_outputs(loaded: Loaded, examples: Sequence[Document], batch: int, progress: PassProgress) -> list[str]:
    """What a model writes for each example."""
    texts = [document.text for document in examples]
    return Answerer(loaded, batch).answer(texts, [document.name for document in examples], progress.report, progress.beat)


def baseline_outputs(train: Sequence[Document], examples: Sequence[Document]) -> dict[str, list[str]]:
    """What each baseline writes for each example, by name, in order of names."""
    outputs: dict[str, list[str]] = {}
    for name in sorted(BASELINES):
        answer: Baseline = load("baseline", BASELINES, name)
        outputs[name] = answer(train, examples)
    return outputs
