"""A model folder as an MLflow model that can be loaded without this project.

The modules that answer are copied into the model under the package name ``trainshed_serving_<digest of the copied source>``, with
their imports renamed. Under the name ``pipeline`` they would clash with an installed version of this project. With the digest in the
name, one process can load two versions of a model, each with its own code. Packaging needs no network.
"""

from __future__ import annotations

import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.corpus.cleaning import BLOCKS
from pipeline.tasks import TASKS
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlflow.types import Schema

    from pipeline.tasks.base import TaskServing
    from pipeline.tasks.columns import Column
    from pipeline.tasks.section import TaskSection

SHIPPED = (
    "__init__.py",
    "errors.py",
    "lookup.py",
    "section.py",
    "corpus/__init__.py",
    "corpus/cleaning",
    "corpus/documents.py",
    "corpus/images.py",
    "corpus/normalise.py",
    "families",
    "metrics/__init__.py",
    "metrics/base.py",
    "metrics/ranking.py",
    "models",
    "privacy",
    "serving/__init__.py",
    "serving/answer.py",
    "serving/input_log.py",
    "tasks",
    "tokens/__init__.py",
    "tokens/languages.py",
    "tokens/prompt.py",
    "tokens/text_encoder.py",
    "tokens/tokenizer_folder.py",
    "tokens/special_tokens.py",
)
"""What is copied from `pipeline/`."""

REQUIREMENTS = (
    "mlflow",
    "numpy",
    "pandas",
    "phonenumberslite",
    "pydantic",
    "python-stdnum",
    "regex",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
)
ADAPTER = "adapter_config.json"
"""A model folder with this file needs peft. `pipeline.models.adapters` writes it; registration has no torch and cannot import that."""

SOURCES = Path(__file__).resolve().parent.parent
SCRIPT = "pyfunc.py"
OWN_NAME = re.compile(r"\bpipeline(?=\.[a-z_])|(?<=^from )pipeline(?= import\b)", re.MULTILINE)
SHORT = 12


def package_model(model: Path, output: Path, scratch: Path, metadata: dict[str, str], trained_with: Mapping[str, str]) -> Path:
    """Write the MLflow model.

    Args:
        model: the model folder.
        output: folder to create.
        scratch: an existing folder for the renamed sources; may be deleted afterwards.
        metadata: what MLflow shows with the model, e.g. digests.
        trained_with: versions of the libraries that made the model, by name.

    Returns:
        ``output``.
    """
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model

    serving: TaskServing = part(_task(model), "serving")
    package = copy_sources(scratch)
    save_model(
        path=str(output),
        python_model=str(scratch / SCRIPT),
        code_paths=[str(package)],
        artifacts={"model": str(model)},
        signature=ModelSignature(inputs=_schema(serving.inputs), outputs=_schema(serving.outputs)),
        input_example=pd.DataFrame([dict(serving.example)]),
        pip_requirements=pinned_requirements(trained_with, [*REQUIREMENTS, *_additional(model)]),
        metadata=metadata,
    )
    return output


def _additional(model: Path) -> list[str]:
    """What this model needs beside `REQUIREMENTS`: its weights, the blocks that clean its requests, and what opens images."""
    blocks = _info(model)["cleaning"].get("blocks", ())
    libraries = {library for row in blocks for library in BLOCKS.load(row["kind"]).libraries}
    more = {"peft"} if (model / ADAPTER).is_file() else set()
    more |= {"pillow"} if _task(model).reads_images else set()
    return sorted((libraries | more) - set(REQUIREMENTS))


def _info(model: Path) -> dict[str, Any]:
    """What a model folder says of itself; reads plain JSON, since registration has no torch."""
    found: dict[str, Any] = json.loads((model / "trainshed.json").read_bytes())
    return found


def _task(model: Path) -> TaskSection:
    """The task of a model folder."""
    task = _info(model)["task"]
    section: type[TaskSection] = TASKS.load(task["kind"])
    return section.model_validate(task)


def _schema(columns: Sequence[Column]) -> Schema:
    """Columns as MLflow states them."""
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array, Map, Object, Property

    types = {
        "string": DataType.string,
        "double": DataType.double,
        "strings": Array(DataType.string),
        "doubles": Map(DataType.double),
        "vector": Array(DataType.double),
        "messages": Array(Object([Property("role", DataType.string), Property("content", DataType.string)])),
    }
    return Schema([ColSpec(types[column.type], column.name, required=column.required) for column in columns])


def serving_name() -> str:
    """Name of the copied package; it contains a digest of everything that is copied."""
    digest = hashlib.sha256()
    for path in [*_shipped(), SOURCES / "serving" / SCRIPT]:
        digest.update(f"{path.relative_to(SOURCES).as_posix()}\0{path.read_text(encoding='utf-8')}\0".encode())
    return f"trainshed_serving_{digest.hexdigest()[:SHORT]}"


def copy_sources(folder: Path) -> Path:
    """Copy the serving script and the package it imports, renamed, into ``folder``; returns the package."""
    name = serving_name()
    for path in _shipped():
        target = folder / name / path.relative_to(SOURCES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(OWN_NAME.sub(name, path.read_text(encoding="utf-8")), encoding="utf-8")
    script = (SOURCES / "serving" / SCRIPT).read_text(encoding="utf-8")
    (folder / SCRIPT).write_text(OWN_NAME.sub(name, script), encoding="utf-8")
    return folder / name


def pinned_requirements(trained_with: Mapping[str, str], names: Sequence[str] = REQUIREMENTS) -> list[str]:
    """The requirements of a model, pinned to the versions it was trained with, or else to those installed here.

    Local parts of a version such as ``+cpu`` are dropped: the package index decides. The image that registers a model has no torch and
    only mlflow-skinny, which has the same version as mlflow.
    """
    known = {"mlflow": version("mlflow-skinny"), **trained_with}
    return [f"{name}=={(known.get(name) or version(name)).partition('+')[0]}" for name in names]


def _shipped() -> list[Path]:
    """Every source file that is copied, sorted."""
    files: list[Path] = []
    for place in SHIPPED:
        path = SOURCES / place
        files += [found for found in path.rglob("*") if found.suffix in {".py", ".json"}] if path.is_dir() else [path]
    return sorted(files)
