"""Where a recipe's text comes from, and how it is cleaned and split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, WrapSerializer

from pipeline.recipe.cleaning import Cleaning
from pipeline.recipe.data_checks import DataChecks
from pipeline.recipe.decontamination import Benchmark, Decontamination
from pipeline.recipe.deduplication import Deduplication
from pipeline.recipe.mixture import LEAST_WEIGHT, MOST_WEIGHT, SourcePart, Weights, as_list, as_mapping
from pipeline.recipe.partitions import Partitions
from pipeline.recipe.quality import Quality
from pipeline.section import Section

if TYPE_CHECKING:
    from pipeline.corpus.cleaning.base import Block

PYDOCS_FIELDS = ("body", "summary", "docstring", "name", "package")
"""The fields of a docstring: without and with its summary line, that line, the qualified name, the distribution."""

CATALOGUE_FIELDS = ("text", "target", "language", "key", "namespace")
"""The fields of a message: its text in the first language and in another one, that language, its key, the file without its language."""

WEB_FIELDS = ("text", "title", "url", "host", "date")
"""The fields of a web page: its main text, its title, its address, the host of that, and when it was fetched, as far as they are known."""


class Columns(Section):
    """Which field of the user's records is what."""

    text: str = "text"
    """Field that holds the document. A dotted path names a field inside another one, e.g. ``body.text``; so in all columns."""

    target: str | None = None
    """Field that holds the answer, e.g. a summary, a label or a list of labels; without one, the data can only be used for pretraining."""

    pair: str | None = None
    """Field that holds the second text, where the input is two texts, e.g. premise and hypothesis."""

    name: str | None = None
    """Field that holds a short title put before the text."""

    group: str | None = None
    """Field by which documents are grouped; whole groups are held out as a second test set, e.g. the package, author or site."""

    license: str | None = None
    """Field that holds the license of a record, which the cleaning block ``license`` looks at."""

    image: str | None = None
    """Field that holds the image, for a task that reads images. ``images``: the name of its file, by default ``file_name``. ``parquet``, ``arrow`` and ``hub``: its bytes, or a struct with ``bytes`` and ``path``."""


PYDOCS_COLUMNS = Columns(text="body", target="summary", name="name", group="package")
CATALOGUE_COLUMNS = Columns(text="text", target="target", group="key")
WEB_COLUMNS = Columns(text="text", name="title", group="host")

IMAGE_FILE = "file_name"
"""The field that names the file of an image, in the layout that `datasets` calls imagefolder."""

OWN_ROWS = {
    "pydocs": (PYDOCS_FIELDS, PYDOCS_COLUMNS),
    "catalogue": (CATALOGUE_FIELDS, CATALOGUE_COLUMNS),
    "html": (WEB_FIELDS, WEB_COLUMNS),
    "warc": (WEB_FIELDS, WEB_COLUMNS),
}
"""Kinds of sources whose rows have fixed fields, and which field is what where the recipe does not say it."""


class Source(Section):
    """One outside source of text."""

    kind: str
    """A name from `pipeline.sources.PINNERS`, e.g. ``pydocs``, ``catalogue``, ``jsonl``, ``csv``, ``parquet``, ``arrow``, ``text``, ``html``, ``warc``, ``images``, ``sql`` or ``hub``."""

    path: str | None = None
    """A file, a folder, a glob, an ``s3://`` object, prefix or glob, or one file at ``https://``; files may end in ``.gz``, ``.zst``, ``.bz2`` or ``.xz``. A relative path starts at the checkout.
    ``sql``: an SQLite file. ``hub``: ``owner/name`` of a dataset, a folder or glob in it, or a folder of this machine that begins with ``./`` or ``/``. Not for ``pydocs``."""

    revision: str | None = None
    """``hub`` only: a branch, a tag or a commit; a run reads the commit that it is at when the run is planned. None: ``main``."""

    config: str | None = None
    """``hub`` only: the configuration of the dataset, where it has several."""

    split: str | None = None
    """``hub`` only: the split of the dataset to read. None: all of them, since ``data.split`` makes its own."""

    url_from: str | None = None
    """``sql`` only: the name of a database in ``TRAINSHED_DATABASES``."""

    query: str | None = None
    """``sql`` only: one SELECT, whose rows are the records."""

    table: str | None = None
    """``sql`` only: a table, instead of ``query``."""

    high_water: str | None = None
    """``sql`` only: a column that grows with each new row, e.g. an id. A run reads the rows up to the largest value of the moment when it was planned, and a later run only what is new.
    Without it, the whole result is read, and pinned by its checksum."""

    columns: Columns = Columns()
    """Which field is what. The rows of ``pydocs`` and ``catalogue`` have fields of their own, and say without ``columns`` which is what: see docs/data.md."""

    encoding: str | None = None
    """``jsonl``, ``csv`` and ``text``: how the text is encoded, e.g. ``cp1252``. Without it UTF-8, and UTF-16 or UTF-32 where the first bytes show it.
    ``html`` and ``warc``: without it what the server or the page says, else what its bytes look like."""

    sha256: str | None = Field(None, pattern="^[0-9a-fA-F]{64}$")
    """Of one file at a web address: the checksum that its bytes must have. Without it the server's ETag or Last-Modified is its revision."""

    delimiter: str | None = Field(None, min_length=1, max_length=1)
    """``csv`` only: what separates fields. Without it the header shows whether it is comma, semicolon, tab or bar."""

    quote: str | None = Field(None, max_length=1)
    """``csv`` only: what encloses a field that holds a delimiter or a line end; empty for files without quotes. Without it the header shows it."""

    packages: tuple[str, ...] = ()
    """``pydocs`` and ``catalogue``: distributions to read. For ``pydocs`` empty means all that are installed."""

    languages: tuple[str, ...] | None = Field(None, min_length=2)
    """``catalogue`` only: the language of the texts, then those of the targets, as folders and files are called, e.g. ``[en, de, pt-BR]``. ``msgid`` as the first takes gettext's message ids."""

    partitions: Partitions | None = None
    """How the source is divided by time; a run reads one partition, or a window of them (docs/schedules.md)."""

    partition: str | None = None
    """The partition that a run reads. The run says it, a recipe file does not."""

    mask_package: bool = False
    """``pydocs`` only: replace the words of a package's name by ``…`` in its texts, so that the package can be a label."""

    @property
    def row_columns(self) -> Columns:
        """Which field is what: the recipe's choice, or that of a kind whose rows have fields of their own."""
        if self.kind == "images" and self.columns.image is None:
            return self.columns.model_copy(update={"image": IMAGE_FILE})
        if self.kind not in OWN_ROWS or self.columns != Columns():
            return self.columns
        several = self.languages is not None and len(self.languages) > 2
        return OWN_ROWS[self.kind][1].model_copy(update={"pair": "language"} if several else {})


class NamedSource(Source):
    """One of several sources: a source, how much of it is kept, and how often training reads it."""

    weight: float = Field(1.0, ge=LEAST_WEIGHT, le=MOST_WEIGHT)
    """How often training reads its training documents in each pass. ``0.5``: half of them; ``2.5``: each twice, and half of them a third time. A hash chooses. Validation and test have each document once."""

    max_documents: int | None = Field(None, ge=1)
    """Most documents of it that are kept, in all splits together; a hash chooses. None: all."""

    max_characters: int | None = Field(None, ge=1)
    """Most characters of it that are kept. None: all."""

    @property
    def plain(self) -> Source:
        """The source alone."""
        return Source(**{name: getattr(self, name) for name in Source.model_fields})


NamedSources = Annotated[dict[str, NamedSource], BeforeValidator(as_mapping), WrapSerializer(as_list)]


class Mixture(Section):
    """Several sources to pin, without what is made of them."""

    sources: Annotated[dict[str, Source], BeforeValidator(as_mapping), WrapSerializer(as_list)]
    """By name, in the order of the recipe."""


class Filter(Section):
    """What is kept of what was read. Lengths are in characters after normalisation."""

    min_chars: int = Field(20, ge=1)
    """Shorter texts are dropped."""

    max_chars: int = Field(20_000, ge=1)
    """Longer texts are dropped, or what ``too_long`` says."""

    too_long: Literal["drop", "cut", "split"] | None = None
    """``cut``: keep the beginning of a text that is too long; ``split``: make several documents of it. None: drop it."""

    min_letters: float = Field(0.5, ge=0, le=1)
    """Minimum share of letters and spaces among the characters."""

    whitespace: Literal["auto", "collapse", "keep"] = "auto"
    """``keep``: indentation and line structure stay, as code and tables need; ``collapse``: single spaces; ``auto``: ``keep`` for chat."""

    max_quarantined: float = Field(0.01, ge=0, le=1)
    """Maximum share of unreadable records; above it, ingestion fails."""


class Split(Section):
    """How documents are divided. A hash decides, so a document never moves when others come or go."""

    salt: str
    """Fixed for the life of a model: changing it moves documents between train and test."""

    by: Literal["auto", "input", "group"] = "auto"
    """What the hash is taken of. ``auto``: a written answer, else the input; ``input``: the input, for texts with several written answers; ``group``: the whole group stays together."""

    test: float = Field(0.04, gt=0, lt=0.5)
    """Share of documents in the test split."""

    validation: float = Field(0.02, gt=0, lt=0.5)
    """Share of documents in the validation split."""

    held_out_groups: float = Field(0.04, ge=0, lt=0.5)
    """Share of groups (whole packages, sites, authors) held out as the second test split."""

    near_copies: Literal["drop"] | None = None
    """``drop``: leave documents out of validation, test and held-out that are near copies of training (`pipeline.corpus.near_copies`). None: keep them."""


# they hold sources
Quality.model_rebuild(_types_namespace={"Source": Source})
Benchmark.model_rebuild(_types_namespace={"Source": Source})
Decontamination.model_rebuild()


class Data(Section):
    """Params of ingestion."""

    source: Source | None = None
    """Where the text comes from. Either this, or ``sources``."""

    sources: NamedSources | None = None
    """Several sources by name, each with its weight and caps; of equal documents the first source keeps its own (docs/data.md)."""

    filter: Filter = Filter()
    """What is kept of it."""

    cleaning: Cleaning | None = None
    """Blocks that repair, change and filter texts, in their order (docs/data.md). None: normalisation and ``filter`` only."""

    quality: Quality | None = None
    """Keep documents that look like a reference text (docs/data.md). None: no classifier filters."""

    split: Split
    """How it is divided."""

    deduplication: Deduplication | None = None
    """Which near duplicates leave it before; None: only exact duplicates do."""

    test_source: Source | None = None
    """A frozen test set: the test split comes from here only, and ``split.test`` decides nothing (docs/data.md). None: ``split.test`` decides."""

    decontamination: Decontamination | None = None
    """Test sets and benchmarks whose texts training must not contain. None: only those of ``test_source`` leave it."""

    shard_mb: int = Field(32, ge=1)
    """Size above which a new Parquet shard starts, in megabytes of text."""

    checks: DataChecks | None = None
    """Look at each corpus before anything is trained on it: a page, a card, and rules (docs/data.md). None: nothing is checked."""

    @property
    def signed(self) -> bool:
        """Whether documents get signatures, by which near duplicates are found."""
        return self.deduplication is not None and self.deduplication.near is not None

    @property
    def images(self) -> bool:
        """Whether documents have images."""
        return any(part.source.row_columns.image is not None for part in self.parts)

    @property
    def parts(self) -> tuple[SourcePart, ...]:
        """The sources, one or several."""
        if self.sources is not None:
            return tuple(SourcePart(name, source) for name, source in self.sources.items())
        return (SourcePart("", self.source),) if self.source else ()

    @property
    def single_source(self) -> Source:
        """The only source: of a recipe with ``data.source``, and in what `of` gives."""
        assert self.source is not None  # noqa: S101 - the caller asks for one part
        return self.source

    @property
    def origin(self) -> Source | Mixture:
        """What is pinned."""
        if self.sources is None:
            return self.single_source
        return Mixture(sources={name: source.plain for name, source in self.sources.items()})

    @property
    def model_block(self) -> Block | None:
        """The block of ``cleaning`` that runs a model; None if none does."""
        return next((block for block in self.cleaning or () if block.given_model), None)

    @property
    def cleaning_without_model(self) -> Cleaning | None:
        """The blocks of ``cleaning`` that run none."""
        return tuple(block for block in self.cleaning or () if not block.given_model) or None

    @property
    def partitions(self) -> Partitions | None:
        """How the sources are divided by time, those of them that are; None if none is."""
        return next((part.source.partitions for part in self.parts if part.source.partitions), None)

    @property
    def partition(self) -> str | None:
        """The partition that a run reads."""
        return next((part.source.partition for part in self.parts if part.source.partition), None)

    @property
    def weights(self) -> Weights | None:
        """How often training reads the sources; None if it reads each document once."""
        found = {name: source.weight for name, source in (self.sources or {}).items() if source.weight != 1}
        return Weights(by_source=found) if found else None

    def of(self, part: SourcePart) -> Data:
        """What a recipe with this source alone says."""
        source = part.source.plain if isinstance(part.source, NamedSource) else part.source
        return self.model_copy(update={"source": source, "sources": None})

    def with_sources(self, changed: dict[str, Source]) -> Data:
        """The same with other sources, by the names of `parts`."""
        if self.sources is None:
            return self.model_copy(update={"source": changed[""]})
        return self.model_copy(update={"sources": changed})

    def for_ingestion(self) -> Data:
        """What ingestion is given: checks and weights do not change a corpus."""
        sources = self.sources and {name: source.model_copy(update={"weight": 1.0}) for name, source in self.sources.items()}
        return self.model_copy(update={"checks": None, "sources": sources})

    def for_cleaning(self) -> Data:
        """What cleaning is given: neither do caps change what is cleaned."""
        caps = {"max_documents": None, "max_characters": None}
        data = self.for_ingestion()
        return data.model_copy(
            update={"sources": data.sources and {name: each.model_copy(update=caps) for name, each in data.sources.items()}}
        )
