"""Keep the texts of some languages, and count all of them; `pipeline.corpus.identify_language` says which language a text is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict
from pipeline.corpus.identify_language import UNKNOWN, language_of, load_language_model
from pipeline.errors import unknown_name

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.errors import BadInput

LANGUAGES = frozenset(
    [
        "af",
        "als",
        "am",
        "an",
        "ar",
        "arz",
        "as",
        "ast",
        "av",
        "az",
        "azb",
        "ba",
        "bar",
        "bcl",
        "be",
        "bg",
        "bh",
        "bn",
        "bo",
        "bpy",
        "br",
        "bs",
        "bxr",
        "ca",
        "cbk",
        "ce",
        "ceb",
        "ckb",
        "co",
        "cs",
        "cv",
        "cy",
        "da",
        "de",
        "diq",
        "dsb",
        "dty",
        "dv",
        "el",
        "eml",
        "en",
        "eo",
        "es",
        "et",
        "eu",
        "fa",
        "fi",
        "fr",
        "frr",
        "fy",
        "ga",
        "gd",
        "gl",
        "gn",
        "gom",
        "gu",
        "gv",
        "he",
        "hi",
        "hif",
        "hr",
        "hsb",
        "ht",
        "hu",
        "hy",
        "ia",
        "id",
        "ie",
        "ilo",
        "io",
        "is",
        "it",
        "ja",
        "jbo",
        "jv",
        "ka",
        "kk",
        "km",
        "kn",
        "ko",
        "krc",
        "ku",
        "kv",
        "kw",
        "ky",
        "la",
        "lb",
        "lez",
        "li",
        "lmo",
        "lo",
        "lrc",
        "lt",
        "lv",
        "mai",
        "mg",
        "mhr",
        "min",
        "mk",
        "ml",
        "mn",
        "mr",
        "mrj",
        "ms",
        "mt",
        "mwl",
        "my",
        "myv",
        "mzn",
        "nah",
        "nap",
        "nds",
        "ne",
        "new",
        "nl",
        "nn",
        "no",
        "oc",
        "or",
        "os",
        "pa",
        "pam",
        "pfl",
        "pl",
        "pms",
        "pnb",
        "ps",
        "pt",
        "qu",
        "rm",
        "ro",
        "ru",
        "rue",
        "sa",
        "sah",
        "sc",
        "scn",
        "sco",
        "sd",
        "sh",
        "si",
        "sk",
        "sl",
        "so",
        "sq",
        "sr",
        "su",
        "sv",
        "sw",
        "ta",
        "te",
        "tg",
        "th",
        "tk",
        "tl",
        "tr",
        "tt",
        "tyv",
        "ug",
        "uk",
        "ur",
        "uz",
        "vec",
        "vep",
        "vi",
        "vls",
        "vo",
        "wa",
        "war",
        "wuu",
        "xal",
        "xmf",
        "yi",
        "yo",
        "yue",
        "zh",
    ]
)
"""The codes that the model knows: ISO 639-1, or 639-3 where there is no shorter one."""


class Language(FilterBlock):
    """Keep texts of these languages. Counts ``language_<code>``; what is filtered is counted as ``filtered_language``."""

    kind: Literal["language"]

    keep: tuple[str, ...] = Field(min_length=1)
    """Codes of languages, e.g. ``[en, de]``."""

    min_confidence: float = Field(0.5, ge=0, le=1)
    """A text whose language is less probable counts as ``unknown``."""

    unknown: Literal["keep", "drop"] = "drop"
    """What happens to those; short texts are often among them."""

    def problem(self) -> tuple[str, str, str] | None:
        """A code that the model does not know."""
        for code in self.keep:
            if code not in LANGUAGES:
                error: BadInput = unknown_name("language in keep:", code, LANGUAGES)
                return error.got, "codes that fastText's lid.176 knows, e.g. en, de or zh", error.fix
        return None

    def start(self, home: Path) -> Judge:  # noqa: ARG002 - a Block's signature
        """Load the model."""
        return _Judge(self)


class _Judge:
    """Asks the model."""

    def __init__(self, section: Language) -> None:
        self.section, self.keep = section, frozenset(section.keep)
        load_language_model()

    def judge(self, found: Candidate) -> Verdict:
        """Filter by the most probable language."""
        code = language_of(found.text, self.section.min_confidence)
        kept = self.section.unknown == "keep" if code == UNKNOWN else code in self.keep
        return Verdict(None if kept else "language", {f"language_{code}": 1})
