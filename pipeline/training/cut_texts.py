"""The texts of a split as pieces that fit into a model's context."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BadInput
from pipeline.training.packing import cut_documents

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.tokens.token_stream import TokenStream


class CutTexts:
    """Pieces of the documents of a stream.

    Attributes:
        lengths: tokens of each piece: shape [pieces].
    """

    def __init__(self, stream: TokenStream, length: int, *, overlap: int = 0, min_tokens: int = 2) -> None:
        """Cut the documents; see `pipeline.training.packing.cut_documents`.

        Raises:
            BadInput: no document is long enough.
        """
        self._ids = stream.ids
        self._places = cut_documents(np.asarray(stream.offsets), length, overlap=overlap, min_tokens=min_tokens)
        if not len(self._places):
            raise BadInput("no text to pretrain on", f"documents of at least {min_tokens} tokens", "check the data and its filter")
        self.lengths: NDArray[np.int64] = self._places[:, 1] - self._places[:, 0]

    def __getitem__(self, index: int) -> NDArray[np.int64]:
        """Tokens of one piece: shape [tokens]."""
        return np.asarray(self._ids[slice(*self._places[index])], dtype=np.int64)

    def content(self, index: int) -> bytes:
        """The tokens as bytes, as they are on disk."""
        return self._ids[slice(*self._places[index])].tobytes()
