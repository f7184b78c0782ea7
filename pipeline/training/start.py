"""The model a training starts from: random weights by the seed, or a base model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch.nn import Embedding

from pipeline.errors import BadInput
from pipeline.models.architecture import Architecture, context_of, make_config
from pipeline.models.build import kind_of, new_model, read_config
from pipeline.models.files import INFO, TOKENIZER, load_base, read_info
from pipeline.models.info import ModelInfo
from pipeline.recipe.model import DEFAULT_CONTEXT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.families.kinds import Kind
    from pipeline.models.build import HeadSpec
    from pipeline.models.text_model import TextModel
    from pipeline.recipe import Model
    from pipeline.training.job import TrainingJob
    from pipeline.training.token_folder import TokenFolder


def start_model(
    job: TrainingJob, tokens: TokenFolder, head: Callable[[Kind], HeadSpec], dropout: float, seed: int
) -> tuple[TextModel, ModelInfo]:
    """Build or load the model, and say what it is.

    Args:
        job: the recipe's ``model`` section, and the base, if any.
        tokens: what it trains on.
        head: which head a model of a kind gets.
        dropout: probability, wherever the family has dropout.
        seed: of random weights.

    Raises:
        BadInput: the base is no model, has another tokenizer than the tokens, or its sizes do not fit them.
    """
    if job.base is None:
        architecture = architecture_of(job.model)
        kind = kind_of(make_config(architecture, tokens.vocabulary, dropout))
        spec = head(kind)
        model = new_model(architecture, tokens.vocabulary, spec, dropout, seed)
        info = ModelInfo(kind, architecture.family, architecture.context, tokens.vocabulary, spec, architecture=architecture)
        return model, replace(info, seed=seed)
    config = read_config(job.base)
    _check_tokenizer(job.base, tokens)
    kind = kind_of(config)
    spec = head(kind)
    model = load_base(job.base, spec, dropout, seed, tokens.vocabulary.pad)
    _check_embeddings(model, tokens.vocabulary.size)
    limit = context_of(config)
    context = _context(job.model, limit and limit - _unused_positions(model))
    info = ModelInfo(kind, config.model_type, context, tokens.vocabulary, spec, seed=seed)
    # a base that was pretrained here began with random weights, and so did this model
    began = read_info(job.base) if (job.base / INFO).is_file() else None
    return model, replace(info, architecture=began.architecture, seed=began.seed) if began and began.architecture else info


def architecture_of(model: Model) -> Architecture:
    """The architecture that the recipe describes."""
    assert model.family is not None  # the recipe names a family or a start
    return Architecture(model.family, model.context or DEFAULT_CONTEXT, dict(model.config))


def _context(model: Model, limit: int | None) -> int:
    """The context: the recipe's, or the base's own.

    Raises:
        BadInput: the recipe asks for more positions than the base has.
    """
    if model.context and limit and model.context > limit:
        raise BadInput(f"model.context {model.context}", f"at most {limit}, the positions of the base model", "lower model.context")
    return model.context or limit or DEFAULT_CONTEXT


def _unused_positions(model: TextModel) -> int:
    """Positions that no token gets: RoBERTa and its kin number the first token pad + 1."""
    tables = (part for name, part in model.core.named_modules() if name.endswith("position_embeddings") and isinstance(part, Embedding))
    table = next(tables, None)
    return 0 if table is None or table.padding_idx is None else table.padding_idx + 1


def _check_tokenizer(base: Path, tokens: TokenFolder) -> None:
    if not (base / TOKENIZER).is_file() or _without_frame(base / TOKENIZER) != _without_frame(tokens.tokenizer / TOKENIZER):
        raise BadInput("a base model with another tokenizer than the tokens", "", "tokenize the corpus with the base's tokenizer")


def _without_frame(file: Path) -> dict[str, Any]:
    """A `tokenizer.json` without its frame, which tokenization may have given another language."""
    return {name: part for name, part in json.loads(file.read_bytes()).items() if name != "post_processor"}


def _check_embeddings(model: TextModel, size: int) -> None:
    """Refuse a base whose embeddings are too few for its tokenizer.

    Raises:
        BadInput: a token id would have no embedding.
    """
    rows = model.core.get_input_embeddings().weight.shape[0]
    if rows < size:
        raise BadInput(
            f"a base model with {rows} embeddings and a tokenizer of {size} tokens",
            "",
            "save the base with the tokenizer it was trained with",
        )
