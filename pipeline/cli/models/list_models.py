"""``trainshed models list``: one line for each registered model."""

from __future__ import annotations

import typer

RECENT = 1


def list_models() -> None:
    """List the registered models with champion, quality and what waits for people."""
    from concurrent.futures import ThreadPoolExecutor

    from pipeline.artifacts import open_store
    from pipeline.cli.console import new_table, open_console
    from pipeline.cli.models.words import show_time
    from pipeline.registry.ledger import Ledger
    from pipeline.registry.model_status import read_status
    from pipeline.settings import load_settings

    store = open_store(load_settings())
    names = Ledger.models(store)
    if not names:
        typer.echo(f"no model was decided about yet in {store.url}; `trainshed run RECIPE` trains one")
        return
    console = open_console()
    table = new_table(
        console, "model", "champion", "since", "quality", "newest decision", "waits for people", right=frozenset({"champion", "quality"})
    )
    with ThreadPoolExecutor(8) as pool:
        for status in pool.map(lambda name: read_status(Ledger(store, name), RECENT), names):
            champion, newest, waiting = status.champion, status.recent[0], status.waiting
            table.add_row(
                status.model,
                f"version {champion.challenger.version}" if champion else "none",
                show_time(champion.time) if champion else "",
                str(status.quality or ""),
                f"{newest.decision.value.replace('_', ' ')} {show_time(newest.time)}",
                f"version {waiting.proposal.challenger.version}: {len(waiting.approved)} of {waiting.people}" if waiting else "",
            )
    console.print(table)
