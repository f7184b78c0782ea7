"""The program of a step's container: resolve the inputs, look for the artifact, run the component, write the reference.

Under Airflow an operator does this outside of the container. kfp runs no code of ours there, so the container prepares its own request,
by the code that operators and the local interpreter use. It starts the component in a separate process, as the local interpreter does:
planning and an ML body never share one. Exit codes are those of a component.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.errors import BadInput, TrainshedError, Unavailable, unknown_name
from pipeline.kfp.identity import check_identity
from pipeline.lines import trace
from pipeline.local.command import is_reference
from pipeline.local.run_step import run_step as run_component
from pipeline.planning import find_result, prepare_step
from pipeline.recipe.recipe import check_recipe
from pipeline.runs.records import reference_key
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.recipe import Recipe
    from pipeline.settings import Settings


def main() -> None:
    """Run one step and end the process with its exit code."""
    given = _parser().parse_args()
    _on_signals(_end_at_once)
    try:
        recipe = check_recipe(_json(given.recipe), "the pipeline's recipe")
        settings = load_settings()
        reference = run_step(recipe, given.run, given.step, given.identity, parse_given(given.given), settings, given.processes)
        write_output(reference, given.output)
    except TrainshedError as error:
        print(f"{given.step}: {error}", file=sys.stderr, flush=True)
        sys.exit(error.exit_code)


def run_step(
    recipe: Recipe,
    run: str,
    step_id: str,
    identity: str,
    outputs: Mapping[str, Reference | None],
    settings: Settings,
    processes: int = 1,
) -> Reference | None:
    """Make the step's artifact unless it exists.

    Args:
        recipe: as it was compiled.
        run: id of the run.
        step_id: the step.
        identity: what the step was compiled from.
        outputs: artifact of each step that this one reads, by id; None for a step that is not part of the run.
        settings: of the store and MLflow.
        processes: how many train together.

    Returns:
        Its reference; None if the step is not part of this run.

    Raises:
        BadInput: the image has other code than was compiled; the source or an input is invalid.
        Unavailable: a server is unreachable, an input is damaged, or the component was asked to stop.
    """
    steps = {step.id: step for step in trace(recipe)}
    if step_id not in steps:
        raise unknown_name("step", step_id, steps)
    check_identity(steps[step_id], identity)
    prepared = prepare_step(recipe, run, step_id, settings, outputs)
    reference = prepared.reference
    if prepared.request and prepared.request_uri:
        stop = threading.Event()
        _on_signals(lambda *_: stop.set())
        run_component(prepared.request, prepared.request_uri, settings, _say, stop.is_set, processes=processes)
        reference = find_result(prepared.request, settings)
    elif reference:
        _say(f"artifact {reference.fingerprint[:12]} exists already")
    else:
        _say("not part of this run")
    if reference:
        # there is no plan that names what this run relies on, and gc must not delete it meanwhile
        open_store(settings).put(reference_key(run, step_id), reference.model_dump_json().encode())
    return reference


def parse_given(words: Sequence[str]) -> dict[str, Reference | None]:
    """``["ingestion={...}", "champion_evaluation="]`` as artifacts by step.

    Raises:
        BadInput: something else than a reference was passed.
    """
    read: dict[str, Reference | None] = {}
    for word in words:
        step, _, reference = word.partition("=")
        try:
            read[step] = Reference.model_validate_json(reference) if reference else None
        except ValueError as error:
            raise BadInput(f"--given {step}={reference[:80]!r}", "the reference that this step wrote", "run the pipeline again") from error
    return read


def write_output(reference: Reference | None, place: Path) -> None:
    """Write the output parameter atomically; the container has to create its folder.

    Raises:
        BadInput: the folder cannot be written to.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        fresh.write_text(reference.model_dump_json() if reference else "")
        fresh.replace(place)
    except OSError as error:
        raise BadInput(
            f"cannot write the output {place}: {error.strerror}",
            f"a folder that user {os.getuid()} of the container may write to",
            "make the pipeline root writable for that user",
        ) from error


def _on_signals(act: Callable[..., object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, act)


def _end_at_once(*_: object) -> None:
    """End before the component has started: there is nothing to save, and code below would take an exception for a server's failure."""
    os.write(sys.stderr.fileno(), b"asked to stop before the component started\n")
    os._exit(Unavailable.exit_code)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(f"--recipe is not JSON: {error}", "the recipe as it was compiled", "compile the pipeline again") from error


def _say(line: str) -> None:
    if not is_reference(line):
        print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.kfp.step", description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--step", required=True, help="id of the step")
    parser.add_argument("--run", required=True, help="id of the run")
    parser.add_argument("--recipe", required=True, metavar="JSON", help="the recipe")
    parser.add_argument("--identity", required=True, metavar="DIGEST", help="what the step was compiled from")
    parser.add_argument("--processes", type=int, default=1, metavar="COUNT", help="how many processes train together, one for each GPU")
    parser.add_argument("--given", action="append", default=[], metavar="STEP=REFERENCE", help="the reference that an earlier step wrote")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="where to write the reference")
    return parser


if __name__ == "__main__":
    main()
