"""Check that the kind of the tokenizer fits the task, the texts and what it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.recipe.gate_checks import Problem
    from pipeline.recipe.recipe import Recipe


def tokenizer_problem(recipe: Recipe) -> Problem:
    """What is wrong with ``tokenizer.kind`` and ``tokenizer.lowercase``, what is valid, and what to do; None if nothing is."""
    params, task, whitespace = recipe.tokenizer, recipe.task, recipe.data.filter.whitespace
    kind = f"tokenizer.kind {params.kind!r}"
    if params.kind != "bpe" and (params.given or recipe.model.start):
        other = "tokenizer.given" if params.given else "model.start"
        return f"{kind} with {other}, which has its own tokens", "", "remove tokenizer.kind"
    if params.lowercase is not None and params.kind != "wordpiece":
        return f"tokenizer.lowercase with {kind}", "kind: wordpiece", "remove tokenizer.lowercase"
    if not params.forgets_blanks:
        return None
    if task.exact:
        return f"{kind} forgets blanks, which task.kind {task.kind!r} writes or scores", "bpe or unigram", "change tokenizer.kind"
    if whitespace == "keep" or (whitespace == "auto" and not task.prose):
        return f"{kind} forgets blanks, which data.filter.whitespace {whitespace!r} keeps", "bpe or unigram", "change one of them"
    return None
