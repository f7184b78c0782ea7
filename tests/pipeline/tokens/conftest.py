"""A corpus small enough to tokenize in a blink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fixtures.corpora import write_corpus

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """200 train documents, half of them pairs; 10 of validation; one of test that must not be learned from."""
    train = [
        (
            f"shop.Cart{index}.get_total",
            f"The total of cart {index}, in €, with naïve rounding. " * (1 + index % 5),
            f"Return total {index}." if index % 2 else None,
        )
        for index in range(200)
    ]
    validation = [("shop.Cart.clear", f"Empties the cart {index}.", "Clear the cart.") for index in range(10)]
    return write_corpus(tmp_path / "corpus", {"train": train, "validation": validation, "test": [("", "zyzzyva " * 50, None)]})
