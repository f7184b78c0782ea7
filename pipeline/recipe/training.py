"""How a model is trained: one shape for pretraining, one for fine-tuning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.section import Section


class Training(Section):
    """The fields that pretraining and fine-tuning share."""

    steps: int = Field(ge=1)
    """Optimizer steps: what the learning-rate schedule is made for."""

    until: int | None = Field(None, ge=1)
    """Stop after this step, a multiple of ``evaluate_every``. A run without it, or with a later one, continues from there."""

    batch: int = Field(32, ge=1)
    """Sequences per optimizer step."""

    learning_rate: float = Field(3e-3, gt=0)
    """Peak learning rate of Adam's parameters (embeddings, norms, heads)."""

    matrix_learning_rate: float = Field(2e-2, gt=0)
    """Peak learning rate of Muon's parameters (hidden matrices); unused with AdamW."""

    optimizer: str = "muon"
    """A name from `pipeline.training.OPTIMIZERS`, e.g. ``muon`` (Muon for matrices, Adam for the rest) or ``adamw``."""

    warmup: float = Field(0.05, ge=0, le=1)
    """Share of the steps during which the learning rate rises from zero."""

    decay: float = Field(0.5, ge=0, le=1)
    """Share of the steps at the end during which it falls linearly to a hundredth of the peak."""

    weight_decay: float = Field(0.01, ge=0)
    """Decoupled L2 shrinkage of matrices."""

    clip: float = Field(1.0, gt=0)
    """Maximum norm of the gradient."""

    precision: str = Field("auto", pattern="^(auto|fp32|bf16)$")
    """``bf16`` keeps fp32 master weights; ``auto`` uses bf16 where the hardware supports it, else fp32."""

    evaluate_every: int = Field(100, ge=1)
    """Steps between two validations."""

    checkpoint_every: int = Field(100, ge=1)
    """Steps between two checkpoints."""

    seed: int = 0
    """Seed for initial weights, sample order, masks and dropout."""


class Pretraining(Training):
    """Params of pretraining, together with the model's."""

    objective: str
    """A name from `pipeline.training.OBJECTIVES`, e.g. ``span_corruption`` or ``causal_lm``."""

    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout while pretraining."""

    corrupted: float = Field(0.15, gt=0, lt=1)
    """Span corruption and masked language modelling: share of the tokens that are masked."""

    mean_span: float = Field(3.0, ge=1)
    """Span corruption: mean length of a masked span, in tokens."""

    whole_words: bool | None = None
    """Masked language modelling: mask all pieces of a word together. None: each piece by itself."""

    window: int | None = Field(None, ge=1)
    """Skip-gram: words on either side of a word that its vector should tell; without one, 5."""


class Lora(Section):
    """Low-rank adapters (Hu et al. 2022): small matrices beside the frozen weights."""

    rank: int = Field(8, ge=1)
    """Rank of the adapters."""

    alpha: float | None = Field(None, gt=0)
    """Scale: an adapter's output is multiplied by alpha / rank; without one, by 2."""

    targets: str | tuple[str, ...] = "all-linear"
    """Names of the layers that get an adapter, e.g. ``[q_proj, v_proj]``; ``all-linear`` means all but the output layer."""

    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout in front of the adapters."""

    keep: Literal["adapter"] | None = None
    """``adapter``: the model is an adapter beside its base, as peft writes it. None: the adapters are merged into the weights."""


STOP_EXAMPLES = 256
"""Examples that ``stop_on`` looks at where ``stop_examples`` says nothing: ±3 points of an accuracy, a few seconds of writing."""


class Finetuning(Training):
    """Params of fine-tuning, together with the model's and the task's."""

    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout while fine-tuning."""

    l1: float = Field(0.0, ge=0)
    """L1 penalty on hidden matrices: each step moves every element towards zero by this times ``learning_rate``."""

    patience: int = Field(3, ge=1)
    """Early stopping: validations without a better score before training stops."""

    stop_on: str | None = None
    """What early stopping looks at: a metric of the task, e.g. ``rougeL`` or ``f1_macro``. None: the validation loss."""

    stop_examples: int | None = Field(None, ge=1)
    """Examples of the validation split that ``stop_on`` is computed on, chosen by hash. None: 256."""

    trained: str = Field("all", pattern=r"^(all|head|last:[1-9]\d*|pattern:.+)$")
    """Which weights are trained: ``all``, ``head`` (of a classifier), ``last:2`` (the last layers and the head) or ``pattern:regex``."""

    lora: Lora | None = None
    """Train low-rank adapters instead of the weights."""
