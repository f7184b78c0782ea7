"""The base of a task's section of the recipe, and the fields that tasks share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from pipeline.errors import BadInput
from pipeline.families.kinds import Kind
from pipeline.section import Section

if TYPE_CHECKING:
    from pipeline.lookup import Table
    from pipeline.recipe.data import Source


SPECIAL_TOKENS = 2
"""Special tokens that a tokenizer puts around a text: one before it, one after it."""


def _written(label: Any) -> Any:  # noqa: ANN401 - whatever the YAML held
    """An integer as text, as ingestion stores it; anything else as it is."""
    return str(label) if isinstance(label, int) and not isinstance(label, bool) else label


def _different(labels: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(labels)) < len(labels):
        raise ValueError("labels that differ")
    return labels


Labels = Annotated[tuple[Annotated[str, BeforeValidator(_written)], ...], AfterValidator(_different)]
"""Classes in the order of their ids; none occurs twice. YAML may hold integers; ``yes`` and ``no`` need quotes."""


class LanguageTokens(NamedTuple):
    """The tokens by which a model tells languages apart."""

    source: str | None
    """That of the texts; a tokenizer whose frame holds a language holds this one."""

    every: tuple[str, ...]
    """All of them; a tokenizer that is trained here gets them."""


class TaskSection(Section):
    """What every task's section has. Fields that are None are no part of a fingerprint."""

    kind: str
    """A name from `pipeline.tasks.TASKS`, e.g. ``summarization`` or ``classification``."""

    ranges: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of fields of which the first may not be above the second."""

    @classmethod
    @abstractmethod
    def parts(cls) -> Table:
        """The table of the task's parts: ``"examples": "module:Object"``. The section's module holds it."""

    @property
    def language_tokens(self) -> LanguageTokens:
        """The tokens of languages that the tokenizer must have."""
        return LanguageTokens(None, ())

    def problem(self, source: Source) -> tuple[str, str, str] | None:  # noqa: ARG002 - most tasks take any source
        """What does not fit together, within the section or with the source: what was found, what is expected, how to fix it."""
        return None

    @property
    def prose(self) -> bool:
        """Whether ``data.filter.whitespace: auto`` collapses blanks; not for code, tables and conversations."""
        return True

    @property
    def exact(self) -> bool:
        """Whether every character of a text is written or scored, blanks and line ends too, so that the tokenizer may not forget them."""
        return False

    @property
    def divisible(self) -> bool:
        """Whether the beginning of a text, or each of its parts, has the same answer as the whole text: a label is, a summary is not."""
        return False

    @property
    def loses_lines(self) -> bool:
        """Whether an answer stays right if its text loses lines that many texts have; not where each word has its own."""
        return True

    @property
    def needs_target(self) -> bool:
        """Whether fine-tuning needs documents with a target."""
        return True

    @property
    def reads_images(self) -> bool:
        """Whether each document has an image."""
        return False

    @property
    def needs_pair(self) -> bool:
        """Whether fine-tuning needs documents with a second text, from ``columns.pair`` or ``columns.target``."""
        return False

    @property
    def finetuned(self) -> bool:
        """Whether the task can be learned by fine-tuning."""
        return True

    @property
    def pretrained(self) -> bool:
        """Whether the pretrained model is a result, where the recipe has no ``finetuning``."""
        return not self.finetuned

    @abstractmethod
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of models that can do the task."""

    def check_kind(self, kind: Kind) -> None:
        """Refuse a model that cannot do the task.

        Raises:
            BadInput: it is of another kind.
        """
        if kind not in self.kinds():
            can = " or ".join(one.phrase for one in self.kinds())
            raise BadInput(f"task {self.kind} with {kind.phrase}", can, "change model.family or model.start")

    @abstractmethod
    def longest(self, kind: Kind) -> int:
        """Longest sequence that a model of this kind reads, in tokens, special tokens included."""


class OneSequence(TaskSection):
    """The fields of tasks whose input is one sequence, and whose answer is no text."""

    max_tokens: int = Field(128, ge=8)
    """Longest input, in tokens of the tokenizer, special tokens included; the rest is cut."""

    def kinds(self) -> tuple[Kind, ...]:
        """All that read a text as one sequence."""
        return (Kind.ENCODER, Kind.DECODER)

    def longest(self, kind: Kind) -> int:  # noqa: ARG002 - the same for every kind
        """The limit of the recipe."""
        return self.max_tokens


class Generation(Section):
    """How an answer is written: fields of transformers' ``GenerationConfig``. What is None keeps transformers' default."""

    beams: int = Field(1, ge=1)
    """Beams of beam search; 1 is greedy."""

    sample: bool = False
    """Draw tokens at random instead of taking the most probable one."""

    temperature: float | None = Field(None, gt=0)
    """With ``sample``: below 1 sharpens the distribution, above 1 flattens it."""

    top_p: float | None = Field(None, gt=0, le=1)
    """With ``sample``: draw from the smallest set of tokens with this share of the probability."""

    length_penalty: float | None = None
    """With beams: above 0 prefers longer answers, below 0 shorter ones."""

    no_repeat_ngram_size: int | None = Field(None, ge=1)
    """No sequence of so many tokens occurs twice in one answer. Wrong for scripts without blanks, for code and for translation."""


class WrittenAnswer(TaskSection):
    """The fields of tasks whose answer is a text."""

    max_source_tokens: int = Field(96, ge=8)
    """Longest source, in tokens; the rest is cut."""

    max_target_tokens: int = Field(32, ge=4)
    """Longest answer, in tokens, its end token included; the rest is cut."""

    min_target_chars: int = Field(1, ge=1)
    """Documents with a shorter target keep only their text."""

    max_target_chars: int = Field(2000, ge=1)
    """Documents with a longer target keep only their text."""

    generation: Generation = Generation()
    """How answers are written."""

    def kinds(self) -> tuple[Kind, ...]:
        """All that write after a text."""
        return tuple(kind for kind in Kind if kind.writes and kind.reads_text)

    def longest(self, kind: Kind) -> int:
        """A decoder reads source, separator and answer in one sequence, the others in two."""
        source = SPECIAL_TOKENS + self.max_source_tokens
        return source + 1 + self.max_target_tokens if kind is Kind.DECODER else max(source, self.max_target_tokens)

    ranges: ClassVar[tuple[tuple[str, str], ...]] = (("min_target_chars", "max_target_chars"),)

    @property
    def given_tokens(self) -> int:
        """How many tokens at the start of each answer are given to the model, and so are neither predicted nor scored."""
        return 0
