"""The body of the import: fetch the pinned files, check them, and write an ordinary transformers folder."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from components.model_import.contract import ModelImportParams, contract
from pipeline.pretrained.import_folder import import_weights
from pipeline.reporter import CpuHeartbeat
from pipeline.runtime import Work, main
from pipeline.starts import fetch_start


def import_model(work: Work[ModelImportParams]) -> None:
    """Pinned address → base model."""
    with TemporaryDirectory(dir=work.output.parent) as scratch:
        fetched = fetch_start(work.params.start, work.source, Path(scratch), work.settings, work.reporter)
        # a GGUF file of 135 million weights takes 40 s, and transformers reports nothing meanwhile
        with CpuHeartbeat(work.reporter):
            work.counts.update(import_weights(fetched, work.output, Path(scratch), work.params.start.words or ()))


if __name__ == "__main__":
    main(contract, import_model)
