"""The identity of a step: what enters a fingerprint, and what changed between two of them.

A fingerprint covers the component's name and version, its params, the content digests of its inputs, the digest of its
result-bearing code, and the versions of its result-bearing libraries. Never hardware, paths, region, image tag or launcher.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pipeline.artifacts.code import reached_modules
from pipeline.artifacts.manifest import Parts
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.artifacts.manifest import Manifest
    from pipeline.component import Component, Params
    from pipeline.file_cache import FileCache
    from pipeline.section import Section


def fingerprint_parts(
    component: Component,
    params: Params,
    inputs: Mapping[str, str],
    file_cache: FileCache | None = None,
    input_params: Sequence[Mapping[str, Any]] = (),
) -> Parts:
    """Everything that decides the result of ``component``.

    Args:
        component: the contract.
        params: its params.
        inputs: content digest of each input it is given, by name (see `input_digests`); inputs that are not part of the identity are
            skipped.
        file_cache: cached digests of source files.
        input_params: params of the manifests of its inputs; see `pipeline.artifacts.code`.

    Raises:
        BadInput: a result-bearing library is not installed here.
    """
    plain = params.model_dump(mode="json")
    return Parts(
        component=component.name,
        version=component.version,
        params=plain,
        inputs={name: digest for name, digest in sorted(inputs.items()) if component.input(name).identity},
        modules=reached_modules(
            component.name, plain, file_cache=file_cache, input_params=input_params, task_parts=component.task_parts_with(plain)
        ),
        libraries=library_versions(component, plain),
    )


def library_versions(component: Component, params: Mapping[str, Any]) -> dict[str, str]:
    """Version of every distribution that may change the result of ``component``, by name.

    Args:
        component: the contract.
        params: its params as plain data.

    Raises:
        BadInput: one is not installed here.
    """
    return {name: _version(name) for name in component.libraries_with(params)}


def input_digests(component: Component, inputs: Mapping[str, Manifest]) -> dict[str, str]:
    """Content digest of what ``component`` reads of each input, by name.

    Args:
        component: the contract; says which parts of an input it reads.
        inputs: manifests of its inputs, by name.
    """
    return {name: manifest.digest_of(component.input(name).parts) for name, manifest in inputs.items()}


def code_identity(parts: Parts, task: Section | None) -> dict[str, Any]:
    """What the intermediate results of a component follow from, apart from what it says of each: task, code and libraries.

    Args:
        parts: of its fingerprint.
        task: the section of the recipe; None for results that belong to no task.
    """
    return {
        "task": task.model_dump(mode="json", exclude_none=True) if task else None,
        "modules": parts.modules,
        "libraries": parts.libraries,
    }


def differences(old: Parts, new: Parts) -> list[str]:
    """What changed from ``old`` to ``new``: one line for each param, input, library and module.

    Params come first: another one may select other modules, and is the reason then.
    """
    before, after = _labelled(old), _labelled(new)
    return [
        f"{name}: {_short(before.get(name))} → {_short(after.get(name))}"
        for name in [*after, *(name for name in before if name not in after)]
        if before.get(name) != after.get(name)
    ]


def _labelled(parts: Parts) -> dict[str, Any]:
    """Every part under the name a person reads, e.g. ``param finetuning.learning_rate``."""
    rows: dict[str, Any] = {"version of the component": parts.version}
    for word, values in (("param", parts.params), ("input", parts.inputs), ("library", parts.libraries), ("module", parts.modules)):
        rows |= {f"{word} {name}": value for name, value in _leaves(values)}
    return rows


@cache
def _version(name: str) -> str:
    """Public version of a distribution; the local part (``+cpu``) names the build and is dropped.

    Cached for the life of the process, which cannot import another version either.
    """
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError as error:
        raise BadInput(f"library {name} is not installed", "every result-bearing library of the contract", f"install {name}") from error


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - plain data of any shape
    """Dotted names and values of nested mappings; a module's dots are part of its name."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        # sections with names, such as several sources: each under its own
        value = {item["name"]: {key: inner for key, inner in item.items() if key != "name"} for item in value}
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


def _short(value: Any) -> str:  # noqa: ANN401 - plain data of any shape
    """A value as it fits into one line; a digest by its first twelve digits."""
    if value is None:
        return "(none)"
    text = str(value)
    return text[:12] if len(text) == 64 else text[:80]
