"""A component under test: the contract of tokenization with a body that does what the corpus' count asks for.

Run as a real process by the tests, with the same `main` every component has.
"""

import logging
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from components.tokenization.contract import contract as tokenization
from pipeline.errors import BadInput, Preempted, Unavailable
from pipeline.runtime import Work, main

log = logging.getLogger("pipeline.sample")
contract = replace(tokenization, inputs={"corpus": replace(tokenization.inputs["corpus"], parts=("behaviour", "read"))})


def body(work: Work) -> None:
    behaviour = (work.inputs["corpus"].folder / "behaviour").read_text()
    log.info("behaviour %s", behaviour)
    work.reporter.progress(1, 2, "documents", loss=1.5)
    if behaviour == "listing":
        folder = work.inputs["corpus"].folder
        raise BadInput(f"files: {sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file())}")
    if behaviour == "bad":
        raise BadInput("got three", "expected two", "give two")
    if behaviour == "away":
        raise Unavailable("a server is unreachable")
    if behaviour == "bug":
        raise ValueError("not foreseen")
    if behaviour == "full":
        raise OSError(28, "No space left on device", "x")
    if behaviour == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "stuck":
        time.sleep(600)
    while behaviour == "patient":
        if work.reporter.stopping():
            raise Preempted("stopped at a boundary")
        time.sleep(0.02)
    while behaviour.startswith("waiting") and not Path(os.environ["SAMPLE_GOES_ON"]).exists():
        time.sleep(0.02)
    if behaviour == "waiting, then bad":
        raise BadInput("got three", "expected two", "give two")
    if behaviour == "empty":
        return
    (work.output / "a.txt").write_text("a")
    (work.output / "deep").mkdir()
    (work.output / "deep" / "b.txt").write_text("b")
    work.counts["documents"] = 2
    work.metrics["share"] = 0.5
    work.reporter.metrics(1, {"loss": 2.0})


if __name__ == "__main__":
    main(contract, body)
