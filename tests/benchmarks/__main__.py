"""`make bench`: measure on this machine, print the figures as Markdown, and write them into docs/measurements.md.

Each group writes a block of its own; ``make bench ONLY=models`` runs one. The group ``stack`` runs on a stack of its own. What is
compared is measured in turn in the same run (A B A B ...), and medians are quoted: machines are shared and noisy, and ratios
are what counts.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psutil
from benchmarks.in_turn import ROUNDS, interleaved, spread
from benchmarks.storage import storage_rows

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = Path(__file__).resolve().parents[2]
PAGE = HOME / "docs" / "measurements.md"
BLOCK = r"(<!-- figures of {group}: written by `make bench` -->\n).*?(<!-- end of figures -->)"
NOOP = '''"""Chained tasks that do nothing, one and six: what Airflow itself costs."""
from airflow.sdk import DAG, task

@task
def nothing():
    return None

for name, count in (("noop_one", 1), ("noop_six", 6)):
    with DAG(name, schedule=None, catchup=False):
        before = None
        for number in range(count):
            now = nothing.override(task_id=f"t{number}")()
            if before is not None:
                before >> now
            before = now
'''


class Row(NamedTuple):
    """One line of the table."""

    what: str
    figure: str
    bar: str = ""


class Bench:
    """A stack of its own, with the project's DAGs and the no-op DAG beside them."""

    def __init__(self, folder: Path, recipe: str) -> None:
        self.folder, self.recipe = folder, recipe
        self.home = folder / "home"
        self.home.mkdir()
        shutil.copytree(HOME / "dags", self.home / "dags")
        for name in ("pipeline", "components", "infra", "pyproject.toml"):
            (self.home / name).symlink_to(HOME / name)
        (self.home / "dags" / "noop.py").write_text(NOOP)
        # PYTHONPATH is how this module was found; for a command it would put `tests/pipeline` in the place of `pipeline`
        mine = ("TRAINSHED_", "AWS_", "MLFLOW_", "AIRFLOW", "PYTHONPATH")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
        self.env = {**clean, "TRAINSHED_STATE": str(folder / "state"), "TRAINSHED_HOME": str(self.home)}

    def trainshed(self, *arguments: str) -> str:
        """DagRun the command; its output, or the end of it in the error."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("trainshed")), *arguments], env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"trainshed {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def timed(self, *arguments: str) -> float:
        """Seconds that a command takes."""
        began = time.perf_counter()
        self.trainshed(*arguments)
        return time.perf_counter() - began

    def trigger_to_success(self, dag: str) -> float:
        """Seconds from the trigger to the end of a run, by Airflow's own record of its end."""
        from pipeline.settings import load_settings
        from pipeline.submission.airflow_client import Airflow

        airflow = Airflow(load_settings(self.folder / "state"))
        run = f"bench-{time.time_ns()}"
        began = time.time()
        airflow.trigger(dag, run, {})
        while (state := airflow.run(dag, run).state) not in {"success", "failed"}:
            time.sleep(0.05)
        if state != "success":
            raise SystemExit(f"{dag} {run} ended as {state}")
        ended = airflow._call("GET", f"dags/{dag}/dagRuns/{run}")["end_date"]
        return dt.datetime.fromisoformat(ended).timestamp() - began


def main() -> None:
    """Measure, print, write."""
    groups: dict[str, Callable[[str], list[Row]]] = {
        "stack": measure_stack,
        "experiment": measure_experiment,
        "registry": lambda _: [Row(*row) for row in import_module("benchmarks.registry").registry_rows()],
        "ingestion": lambda _: [Row(*row) for row in import_module("benchmarks.ingestion").ingestion_rows()],
        "models": lambda _: [Row(*row) for row in import_module("benchmarks.models").model_rows()],
        "tokenization": lambda _: [Row(*row) for row in import_module("benchmarks.tokenization").tokenization_rows()],
        "kinds": lambda _: [Row(*row) for row in import_module("benchmarks.tokenizer_kinds").kind_rows()],
        "cleaning": lambda _: [Row(*row) for row in import_module("benchmarks.cleaning").cleaning_rows()],
        "training": lambda _: [Row(*row) for row in import_module("benchmarks.training").training_rows()],
    }
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--recipe", default="pydocs", help="the recipe that is run through Airflow")
    parser.add_argument("--only", choices=list(groups), help="measure one group; without it, all")
    arguments = parser.parse_args()
    for group in [arguments.only] if arguments.only else groups:
        text = page(groups[group](arguments.recipe))
        print(text)
        block = re.compile(BLOCK.format(group=group), re.DOTALL)
        written, found = block.subn(lambda match, text=text: f"{match[1]}{text}{match[2]}", PAGE.read_text())
        if not found:
            raise SystemExit(f"{PAGE} has no block for the group {group}")
        PAGE.write_text(written)


def measure_stack(recipe: str) -> list[Row]:
    """The figures of a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as folder:
        return measure(Bench(Path(folder), recipe))


def measure_experiment(recipe: str) -> list[Row]:
    """What Airflow adds to a trial, on a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="trainshed-bench-") as folder:
        return [Row(*row) for row in import_module("benchmarks.experiment").experiment_rows(Bench(Path(folder), recipe))]


def measure(bench: Bench) -> list[Row]:
    """All figures, in the order a newcomer meets them."""
    rows = [Row("import of the DAG files beyond Airflow itself", f"{import_cost():.2f} s", "< 0.5 s")]
    try:
        rows.append(Row("`trainshed up`, first time", f"{bench.timed('up'):.0f} s"))
        rows.append(Row(f"stack up → decision, `{bench.recipe}`", span(bench.timed("run", bench.recipe)), "≤ 8 min"))
        hits, noops, ones, local = interleaved(
            lambda: bench.trigger_to_success(bench.recipe),
            lambda: bench.trigger_to_success("noop_six"),
            lambda: bench.trigger_to_success("noop_one"),
            lambda: bench.timed("run", bench.recipe, "--local"),
        )
        ratio, floor = (statistics.median(one / six for one, six in zip(some, noops, strict=True)) for some in (hits, ones))
        rows += [
            Row("again at once through Airflow: trigger → success, all hits", spread(hits)),
            Row("six chained no-op `@task`s on the same stack", spread(noops)),
            Row("ratio of the two, pair by pair", f"{ratio:.2f}", "≤ 0.3"),
            Row("one no-op `@task`, the least that a run can take", f"{spread(ones)}; {floor:.2f} of six"),
            Row("again at once with `--local`, whole process", spread(local), "≤ 1 s"),
        ]
        rows += [Row(*row) for row in storage_rows(bench.folder / "state")]
        rows.append(Row("memory of the idle stack", f"{memory(bench):.0f} MB"))
        rows.append(Row("`trainshed down`, then `up` again", f"{bench.timed('down'):.1f} s, {bench.timed('up'):.0f} s"))
    finally:
        bench.trainshed("down")
    return rows


def import_cost() -> float:
    """Seconds that our DAG files add to a process that has imported Airflow, median of several processes."""
    code = (
        "import time, runpy, airflow.sdk\nfrom airflow.sdk import DAG, task, BaseOperator\nbegan = time.perf_counter()\n"
        f"runpy.run_path({str(HOME / 'dags' / 'train.py')!r})\nprint(time.perf_counter() - began)\n"
    )
    with tempfile.TemporaryDirectory() as airflow_home:
        env = {**os.environ, "AIRFLOW_HOME": airflow_home}
        runs = [subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True) for _ in range(ROUNDS)]
    return statistics.median(float(done.stdout.splitlines()[-1]) for done in runs)


def memory(bench: Bench) -> float:
    """Unique memory of the stack's processes, in megabytes."""
    mark = str(bench.folder / "state")
    total = 0
    for process in psutil.process_iter():
        try:
            if mark in process.environ().get("TRAINSHED_STATE", ""):
                total += process.memory_full_info().uss
        except psutil.Error:
            continue
    return total / 1e6


def span(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds // 60)}:{int(seconds % 60):02d} min"


def page(rows: list[Row]) -> str:
    """The figures as Markdown, with the date and the machine's shape."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
        platform.machine(),
    )
    shape = f"{os.cpu_count()} cores ({model}), {psutil.virtual_memory().total / 2**30:.0f} GiB, Python {platform.python_version()}"
    if "OMP_NUM_THREADS" in os.environ:
        shape += f", OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']}"
    head = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {shape}; medians, with the range if it was measured.\n\n| what | measured | bar |\n| --- | --- | --- |\n"
    return head + "".join(f"| {row.what} | {row.figure} | {row.bar} |\n" for row in rows)


if __name__ == "__main__":
    main()
