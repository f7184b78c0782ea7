"""The program of a pipeline's last container: it ends the MLflow run, whether the line succeeded or not.

Under Airflow the callbacks of the DAG run do this. Whether the line succeeded is read from the store, because what kfp passes to a last
task differs between servers.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from pipeline.artifacts import open_store
from pipeline.errors import TrainshedError
from pipeline.runs.records import reference_key
from pipeline.settings import load_settings
from pipeline.tracking import end_run

if TYPE_CHECKING:
    from pipeline.settings import Settings


def main() -> None:
    """End the run and the process."""
    given = _parser().parse_args()
    try:
        settings = load_settings()
        end_run(settings, given.recipe, given.run, mlflow_status(given.run, given.last, settings))
    except TrainshedError as error:
        print(f"end: {error}", file=sys.stderr, flush=True)
        sys.exit(error.exit_code)


def mlflow_status(run: str, last: str, settings: Settings) -> str:
    """``FINISHED`` or ``FAILED``.

    Args:
        run: id of the run.
        last: the last step of the line, which depends, directly or not, on every other.
        settings: where the store is.
    """
    return "FINISHED" if list(open_store(settings).list(reference_key(run, last))) else "FAILED"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.kfp.end")
    parser.add_argument("--recipe", required=True, help="name of the recipe")
    parser.add_argument("--run", required=True, help="id of the run")
    parser.add_argument("--last", required=True, metavar="STEP", help="id of the line's last step")
    return parser


if __name__ == "__main__":
    main()
