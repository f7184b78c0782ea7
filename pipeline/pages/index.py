"""The page to start from: each model with its champion, its quality over time, its last runs, and who is asked about what."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from pipeline.artifacts import open_artifacts, open_store
from pipeline.erasure.holders import Holders
from pipeline.errors import TrainshedError
from pipeline.metrics.load_metric import load_metric
from pipeline.monitoring.look import Look, Looks
from pipeline.pages.costs import Costs, prices, read_costs
from pipeline.pages.data_pages import data_page_name, newest_data_pages
from pipeline.pages.index_template import render
from pipeline.pages.place import INDEX, copy_page, keep_page
from pipeline.pages.spark import draw_spark
from pipeline.pages.tokenizer_pages import newest_tokenizer_pages, tokenizer_page_name
from pipeline.recipe.by_model import recipes_by_model
from pipeline.registry.ledger import Ledger
from pipeline.registry.model_status import ModelStatus, read_status
from pipeline.registry.quality import judged
from pipeline.runs.names import dag_name
from pipeline.tracking.recent_runs import RecentRun, recent_runs
from pipeline.tracking.server import MlflowServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings

ENTRIES = 30
"""Ledger entries of each model that are read."""

RUNS = 4
"""Runs of each recipe that are listed."""

READERS = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelRow:
    """One model on the page."""

    status: ModelStatus
    recipes: tuple[str, ...]
    """Names of the recipes that make it."""

    runs: tuple[RecentRun, ...]
    """The newest runs of these recipes, newest first."""

    spark: str
    """Its quality over time as SVG; empty if nothing was measured."""

    look: Look | None
    """The newest look of the monitor; None if nobody watches the model."""

    costs: Costs | None
    """What its runs cost; None if no machine size of its steps has a price."""

    forgotten: bool = False
    """Whether the champion was made from documents that are to be forgotten."""

    @property
    def asks_in(self) -> str:
        """The DAG that asks people about the waiting proposal: of the recipe whose run made it."""
        run = self.status.waiting.proposal.run if self.status.waiting else ""
        own = [recipe for recipe in self.recipes if run.startswith(f"{recipe}-")]
        return dag_name(max(own, key=len, default=self.recipes[0] if self.recipes else self.status.model), "promote")


def write_index(settings: Settings) -> str:
    """Make the page, with those of corpora that it links to, and put it into the store.

    Returns:
        The page.

    Raises:
        Unavailable: the store or MLflow is unreachable.
        BadInput: the file of machine sizes is missing or invalid.
        Damaged: a ledger entry or an answer cannot be read, or its seal does not match.
    """
    store, server = open_store(settings), MlflowServer(settings)
    made_by = recipes_by_model(settings.recipe_folders)
    names = Ledger.models(store)
    artifacts = open_artifacts(settings, read_only=True)
    holders = Holders(artifacts)
    with ThreadPoolExecutor(READERS) as pool:
        price = prices(settings)
        rows = list(pool.map(lambda name: _row(Ledger(store, name), made_by.get(name, []), server, price), names))
    rows = [replace(row, forgotten=_forgotten(row.status, holders)) for row in rows]
    untrained = sorted(recipe.name for name, recipes in made_by.items() if name not in names for recipe in recipes)
    settings.state.mkdir(parents=True, exist_ok=True)
    data, tokenizers = newest_data_pages(artifacts, settings.state), newest_tokenizer_pages(artifacts, settings.state)
    named = {data_page_name(recipe): text for recipe, text in data.items()}
    named |= {tokenizer_page_name(recipe): text for recipe, text in tokenizers.items()}
    for file, text in named.items():
        keep_page(store, file, text)
        copy_page(settings, file, text)
    pages = {recipe: data_page_name(recipe) for recipe in data}
    more = {recipe: tokenizer_page_name(recipe) for recipe in tokenizers}
    page = render(rows, untrained, settings.airflow_url, settings.mlflow_uri, store.url, datetime.now(UTC), pages, more)
    keep_page(store, INDEX, page)
    return page


def try_write_index(settings: Settings) -> None:
    """Make the page at the end of a run; a page that cannot be made is a warning, because the run has ended."""
    try:
        write_index(settings)
    except TrainshedError as error:
        log.warning("the page of all models is not written: %s", error)


def _row(ledger: Ledger, recipes: list[Recipe], server: MlflowServer, price: Mapping[str, float]) -> ModelRow:
    status, names = read_status(ledger, ENTRIES), tuple(recipe.name for recipe in recipes)
    runs = [run for name in names for run in recent_runs(server, name, RUNS)]
    newest = sorted(runs, key=lambda run: run.started, reverse=True)[:RUNS]
    looks = Looks(ledger.store, ledger.model).newest(1)
    costs = read_costs(server, recipes, newest, price)
    return ModelRow(status, names, tuple(newest), _spark(status), looks[0] if looks else None, costs)


def _forgotten(status: ModelStatus, holders: Holders) -> bool:
    return any(holders.entries_of(model) for model in status.champion.challenger.models) if status.champion else False


def _spark(status: ModelStatus) -> str:
    """The decisions by the newest metric; those by an earlier one have another unit."""
    found = judged(status.recent)
    if not found:
        return ""
    name = found[-1].quality.metric
    same = list(takewhile(lambda row: row.quality.metric == name, reversed(found)))[::-1]
    values = [row.quality.value for row in same]
    title = f"{len(values)} decisions by {load_metric(name).title}, the last one {same[-1].quality}; filled: promoted"
    return draw_spark(values, [row.entry.promoted for row in same], title)
