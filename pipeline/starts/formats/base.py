"""What planning asks of a format of weight files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.families.base_facts import BaseFacts


class Look(NamedTuple):
    """A look at the files of a model that were not fetched: their names, and the beginning of one of them."""

    names: tuple[str, ...]

    read: Callable[[str, int], bytes]
    """``read(name, limit)``: the first bytes of a file, at most ``limit``."""


class WeightFormat(Protocol):
    """One format."""

    patterns: tuple[str, ...]
    """Names of files that hold weights, as `fnmatch` reads them."""

    alone: bool
    """Whether one file holds everything, tokenizer and configuration included: it is read alone."""

    def facts(self, look: Look) -> BaseFacts | None:
        """What can be known of the model without its weights; None where nothing can.

        Raises:
            BadInput: the model cannot be used, e.g. because it needs code of its own.
        """
