"""``components/<stage>/component.yaml``: a contract in the form that Kubeflow Pipelines loads.

The container takes one argument, the address of its request. Annotations say what the request holds (params, typed inputs, the
output), because our own runtime checks params and references, whatever starts the container.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import yaml

from components import COMPONENTS

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.component import Component

HEADER = "# Generated from contract.py by `make docs`; edit the contract instead.\n"


def component_files(home: Path) -> dict[Path, str]:
    """The path and text of each component's ``component.yaml``."""
    contracts = [COMPONENTS.load(name) for name in COMPONENTS]
    return {home / "components" / contract.name / "component.yaml": component_yaml(contract) for contract in contracts}


def component_yaml(contract: Component) -> str:
    """One contract as YAML."""
    return HEADER + yaml.safe_dump(_component(contract), sort_keys=False, allow_unicode=True, width=120)


def _component(contract: Component) -> dict[str, Any]:
    inputs = {name: f"{wanted.type}{f' ({wanted.note})' if wanted.note else ''}" for name, wanted in contract.inputs.items()}
    annotations = {
        "trainshed/version": str(contract.version),
        "trainshed/inputs": json.dumps(inputs),
        "trainshed/output": str(contract.output),
        "trainshed/params": json.dumps(sorted(contract.params.model_fields)),
        "trainshed/libraries": json.dumps(list(contract.libraries)),
        "trainshed/resources": contract.resources,
    }
    return {
        "name": contract.name,
        "description": contract.summary,
        "metadata": {"annotations": annotations},
        "inputs": [{"name": "request", "type": "String", "description": "Address of the request in the artifact store."}],
        "implementation": {
            "container": {
                "image": f"trainshed/{contract.name}:{version('trainshed')}",
                "command": ["python", "-m", f"components.{contract.name}"],
                "args": ["--request", {"inputValue": "request"}],
            }
        },
    }
