"""What a cleaning block is: its section of the recipe, and the step that it starts.

A step is a pure function of the texts of one record. So it runs in any process, record by record, and gives the same in each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol

from pipeline.section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pipeline.reporter import Reporter

Stage = Literal["repair", "change", "filter"]

NOTHING: Mapping[str, int] = {}
"""No counts."""


class Changed(NamedTuple):
    """A text after a step."""

    text: str

    counts: Mapping[str, int] = NOTHING
    """What the step found, by the name of a count of the corpus, e.g. ``private_email``."""


class Candidate(NamedTuple):
    """The texts of a record that a filter judges; repairs, normalisation and changes have been applied."""

    text: str

    others: tuple[str, ...] = ()
    """Second text, written answer, name and group, as far as there are any."""

    license: str | None = None
    """What ``data.source.columns.license`` holds."""


class Verdict(NamedTuple):
    """What a filter says of a record."""

    reason: str | None = None
    """Why it is filtered, in one word; counted as ``filtered_<reason>``. None: it is kept."""

    counts: Mapping[str, int] = NOTHING
    """What the filter found, by the name of a count of the corpus, e.g. ``language_de``."""

    margin: float | None = None
    """How far the text is from the limit, negative below it; of a filter that scores texts. Texts near it are shown."""


class Changer(Protocol):
    """The step of a block that repairs or changes texts."""

    def change(self, text: str) -> Changed:
        """The text after this step; the same object where nothing changes."""


class TokenChanger(Changer, Protocol):
    """A step that finds more in a sequence of tokens than in each by itself. Other steps change each token by itself."""

    def change_tokens(self, tokens: Sequence[str]) -> tuple[list[str], Mapping[str, int]]:
        """As many tokens after this step, and counts."""


class Judge(Protocol):
    """The step of a block that filters records."""

    def judge(self, found: Candidate) -> Verdict:
        """Whether to keep a record."""


class LooksAhead(ABC):
    """A step that looks at the texts of some records together before they are cleaned one by one, e.g. because a model reads them in batches.

    What it finds in a text is found in that text alone, up to rounding.
    """

    @abstractmethod
    def gather(self) -> AbstractContextManager[object]:
        """While this is open, the step changes nothing and keeps what it is given."""

    @property
    @abstractmethod
    def waiting(self) -> int:
        """Characters of the texts that it keeps."""

    @abstractmethod
    def look(self, reporter: Reporter) -> None:
        """Look at the texts that it keeps, and forget those before them.

        Raises:
            Preempted: asked to stop.
        """

    @abstractmethod
    def next_record(self) -> None:
        """The texts that follow belong to another record."""

    @abstractmethod
    def hide(self, text: str) -> str:
        """An excerpt of the record without what must not appear in any output."""


class Block(Section):
    """The section of one block. Its fields are params of ingestion: those that are None are no part of a fingerprint."""

    kind: str
    """A name from `pipeline.corpus.cleaning.BLOCKS`, e.g. ``language``."""

    served: ClassVar[bool] = False
    """Whether a served model applies it to requests: a model has to read what it was trained on. Filters never are."""

    everywhere: ClassVar[bool] = False
    """Whether a change applies to written answers, names, groups and tokens too, and not only to texts."""

    prose_only: ClassVar[bool] = False
    """Whether it removes lines or blanks, so that it contradicts ``data.filter.whitespace: keep``."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions that it imports and that the product otherwise lacks; a served model that applies it requires them."""

    elsewhere: ClassVar[frozenset[str]] = frozenset()
    """Fields that say where something is; what is there counts by its digest, so that they are no part of what a chunk is."""

    @property
    @abstractmethod
    def stage(self) -> Stage:
        """When it applies."""

    @property
    def given_model(self) -> str | None:
        """Address of the model that it runs, as in ``model.start``; it is the input ``names`` of steps that clean. None: it runs none."""
        return None

    def check_classes(self, classes: Sequence[str]) -> None:
        """Check the model that it runs.

        Args:
            classes: names of the model's classes, in the order of their ids; empty if it names none.

        Raises:
            BadInput: they are not what the block needs.
        """

    def hider(self) -> Changer | None:
        """Hides what must not appear in any output, examples and excerpts included; None if it looks for nothing of the kind."""
        return None

    def problem(self) -> tuple[str, str, str] | None:
        """What does not fit together within the section: what was found, what is expected, how to fix it."""
        return None

    def check_files(self, home: Path) -> None:
        """Check the files that the section names, before anything runs.

        Args:
            home: folder that relative paths start from.

        Raises:
            BadInput: one is missing, or is not the one that the recipe pins.
        """

    @abstractmethod
    def start(self, home: Path) -> Changer | Judge:
        """Load what it needs, and give the step: a `Changer` for a repair or a change, a `Judge` for a filter.

        Args:
            home: folder that relative paths start from.

        Raises:
            BadInput: a file that the recipe names is missing, or is not the one that the recipe pins.
        """

    def start_with(self, home: Path, model: Path | None) -> Changer | Judge:  # noqa: ARG002 - for blocks that run a model
        """The same, for steps that may be given a model.

        Args:
            home: folder that relative paths start from.
            model: folder of the model that `given_model` names; None where nobody brought one.
        """
        return self.start(home)


class ChangeBlock(Block):
    """A block that changes texts."""

    @property
    def stage(self) -> Stage:
        """After normalisation."""
        return "change"

    @abstractmethod
    def start(self, home: Path) -> Changer:
        """Load what it needs, and give the step."""


class FilterBlock(Block):
    """A block that filters records."""

    @property
    def stage(self) -> Stage:
        """After all changes."""
        return "filter"

    @abstractmethod
    def start(self, home: Path) -> Judge:
        """Load what it needs, and give the step."""
