"""Repairs texts that were decoded with the wrong encoding (``Ã©`` for ``é``), and leftovers of HTML and terminals.

ftfy decides (Robyn Speer, https://ftfy.readthedocs.io): it undoes a wrong decoding only where the result is far more plausible.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pipeline.corpus.cleaning.base import Block, Changed, Changer, Stage

if TYPE_CHECKING:
    from pathlib import Path

ASCII_SIGNS = "&\x1b"
"""ASCII text can only be wrong where it holds one of these."""


class Encoding(Block):
    """Repair wrong decoding (mojibake), HTML entities in text without tags, lone surrogates and terminal escapes. Quotes, ligatures and wide letters stay."""

    kind: Literal["encoding"]

    served: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("ftfy",)

    @property
    def stage(self) -> Stage:
        """Before normalisation, which removes the control characters that wrong decoding leaves."""
        return "repair"

    def start(self, home: Path) -> Changer:  # noqa: ARG002 - a Block's signature
        """Import ftfy."""
        return _Changer(_config())


class _Changer:
    def __init__(self, config: Any) -> None:  # noqa: ANN401 - ftfy's configuration
        from ftfy import fix_text

        self.fix_text, self.config = fix_text, config

    def change(self, text: str) -> Changed:
        """The repaired text."""
        if text.isascii() and not any(sign in text for sign in ASCII_SIGNS):
            return Changed(text)
        return Changed(self.fix_text(text, self.config))


@cache
def _config() -> Any:  # noqa: ANN401 - ftfy's configuration
    """What ftfy may change: what follows from a wrong encoding, and no matter of style."""
    from ftfy import TextFixerConfig

    return TextFixerConfig(
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )
