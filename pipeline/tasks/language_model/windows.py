"""A long text in parts that fit into a model's context."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.families.vocabulary import Vocabulary


def framed_text(ids: NDArray[np.int64], vocabulary: Vocabulary) -> NDArray[np.int64]:
    """A text as pretraining read it, with a token before it and the end token after it.

    A tokenizer whose frame begins with nothing gives its beginning or end token, so that the first token of the text is predicted too.
    """
    return np.concatenate([beginning(vocabulary), ids, [vocabulary.eos]]).astype(np.int64)


def beginning(vocabulary: Vocabulary) -> tuple[int, ...]:
    """What comes before a text."""
    return vocabulary.frame.prefix or (vocabulary.eos if vocabulary.bos is None else vocabulary.bos,)


def windows(ids: NDArray[np.int64], context: int) -> list[NDArray[np.int64]]:
    """Parts of at most ``context`` + 1 tokens; each begins with the last token of the one before, so each token is predicted once.

    The first tokens of a part are predicted from few tokens before them, so the sum is an upper bound of what the model needs.
    """
    return [ids[start : start + context + 1] for start in range(0, len(ids) - 1, context)]
