"""Run the table or the curve and print it as Markdown."""

from __future__ import annotations

import argparse
import itertools
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.quality import few_labels
from benchmarks.quality.table import ENTRIES, measure_entry

HOME = Path(__file__).resolve().parents[3]
RECIPES = HOME / "dags" / "recipes"
FORMS = ("{:.1f} ({:.1f} to {:.1f})", "{:+.1f} ({:+.1f} to {:+.1f})") * 2
"""How the four intervals of a point are shown: scores and differences, in turn."""


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("what", choices=("table", "curve", "hidden_curve"))
    parser.add_argument(
        "--work", type=lambda text: Path(text).resolve(), default=HOME / "build" / "quality", help="folder of finished steps"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads of each process")
    parser.add_argument("--jobs", type=int, default=1, help="cells at once, each in a process")
    parser.add_argument("--only", default="", help="cells whose name contains this, e.g. `MiniLM, 1000, 0`")
    arguments = parser.parse_args()
    (_table if arguments.what == "table" else _curve)(arguments)


def _table(arguments: argparse.Namespace) -> None:
    entries = [entry for entry in ENTRIES if arguments.only in entry.name]
    with _pool(arguments.jobs) as pool:
        done = [pool.submit(measure_entry, entry, RECIPES, arguments.work, arguments.device, arguments.threads) for entry in entries]
        for entry, future in zip(entries, done, strict=True):
            try:
                print(future.result(), flush=True)
            except Exception as error:  # noqa: BLE001 - the other cells go on
                print(f"{entry.name}: {type(error).__name__}: {error}", flush=True)


def _curve(arguments: argparse.Namespace) -> None:
    cells = list(itertools.product(few_labels.SYSTEMS, few_labels.LABELS, few_labels.SEEDS))
    # one cell of each system first: it imports the weights or pretrains, which the others reuse
    first = [(system, few_labels.LABELS[0], 0) for system in few_labels.SYSTEMS]
    hidden = arguments.what == "hidden_curve"
    done: dict[few_labels.Cell, Path] = {}
    with _pool(arguments.jobs) as pool:
        for group in (first, [cell for cell in cells if cell not in first]):
            started = {
                cell: pool.submit(
                    few_labels.run_cell,
                    RECIPES / "pydocs-topics.yaml",
                    arguments.work,
                    cell,
                    arguments.device,
                    arguments.threads,
                    hidden=hidden,
                )
                for cell in group
                if arguments.only in ", ".join(map(str, cell))
            }
            done |= {cell: future.result() for cell, future in started.items()}
    print(f"{len(done)} of {len(cells)} cells are done; systems that have all seeds:")
    for point in few_labels.curve(done):
        shown = ["" if found is None else form.format(*found) for form, found in zip(FORMS, point[2:], strict=True)]
        print(f"| {point.labels:,} | {point.system} | {' | '.join(shown)} |")


def _pool(jobs: int) -> ProcessPoolExecutor:
    """Processes that start afresh: a forked one cannot use the GPU."""
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


if __name__ == "__main__":
    main()
