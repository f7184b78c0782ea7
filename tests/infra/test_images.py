"""Images: Dockerfiles are clean and agree with the contracts; built images are small, run without root, and give the planned fingerprints."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures.cases import few
from fixtures.docker import IMAGES, NAMES, STAGES, build, client, docker
from fixtures.shipped import RECIPES

from components import COMPONENTS
from pipeline.artifacts.code import reached_modules
from pipeline.artifacts.code_digest import LABEL, code_digest
from pipeline.artifacts.fingerprint import _version
from pipeline.component import Component, Option
from pipeline.generate.component_images import ComponentImage

HOME = Path(__file__).resolve().parents[2]
FOLDER = HOME / "infra" / "images"
VERSION = re.search(r'^version = "(.*)"', (HOME / "pyproject.toml").read_text(), re.MULTILINE)[1]
CONTRACTS = {name: COMPONENTS.load(name) for name in COMPONENTS}
NAMES_OF_IMAGES = [image.name for image in IMAGES]
MB = 10**6
BUILT = [("ingestion", "ingestion"), ("finetuning", "finetuning")]
"""One image on each of the two bases."""

pytestmark = pytest.mark.timeout(1200)  # images are built first


def test_hadolint_has_no_findings() -> None:
    files = [*FOLDER.glob("*.Dockerfile")]
    assert len(files) == 5
    done = subprocess.run([Path(sys.executable).with_name("hadolint"), *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("image", IMAGES, ids=NAMES_OF_IMAGES)
def test_a_component_stands_on_the_bases_that_have_its_libraries(image: ComponentImage) -> None:
    held = {*pins(FOLDER / f"{image.base}.txt"), *(["torch"] if image.base == "training" else [])}
    contract = CONTRACTS[image.stage]
    options = [option for option in contract.options if image.name == contract.image_with(params_of(option))]
    assert {*contract.libraries, *(library for option in options for library in option.libraries)} <= held


def test_the_training_base_holds_what_components_on_the_light_base_may_need() -> None:
    """One of them may get a second image there. Whoever builds it chooses the build of torch."""
    contracts = [contract for contract in CONTRACTS.values() if contract.image == "light"]
    held = pins(FOLDER / "training.txt")
    assert {library for contract in contracts for library in libraries(contract)} - {"torch"} <= held.keys()


def libraries(contract: Component) -> set[str]:
    """Those of its options included."""
    return {*contract.libraries, *(library for option in contract.options for library in option.libraries)}


def params_of(option: Option) -> dict[str, Any]:
    """Params that set the field of an option."""
    params: Any = option.value or "anything"
    for name in reversed(option.field.split(".")):
        params = {name: params}
    return params


RECORDER = """#!/bin/sh
case $1 in version) echo 29 ;; build) cat > /dev/null; echo "$*" >> "$RECORD" ;; esac
"""


def test_the_build_script_takes_components_and_their_bases_from_the_contracts(tmp_path) -> None:
    (tmp_path / "docker").write_text(RECORDER)
    (tmp_path / "docker").chmod(0o755)
    variables = {"DOCKER": str(tmp_path / "docker"), "RECORD": str(tmp_path / "record"), "PYTHON": sys.executable}
    done = subprocess.run([FOLDER / "build.sh", *NAMES_OF_IMAGES], env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = (tmp_path / "record").read_text().splitlines()
    for image, line in zip(IMAGES, built, strict=True):
        stage = image.stage
        arguments = {f"BASE_IMAGE=trainshed/{image.base}:{VERSION}", f"STAGE={stage}", f"CODE_DIGEST={code_digest(stage)}"}
        assert {*arguments, f"trainshed/{image.name}:{VERSION}"} <= set(line.split())
    done = subprocess.run([FOLDER / "build.sh", "nosuch"], env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert all(stage in done.stderr for stage in STAGES)


def test_the_default_base_of_a_component_has_this_version() -> None:
    assert f"ARG BASE_IMAGE=trainshed/light:{VERSION}\n" in (FOLDER / "component.Dockerfile").read_text()


def test_the_airflow_image_knows_the_version_of_every_library_a_fingerprint_covers() -> None:
    text = (FOLDER / "airflow.Dockerfile").read_text()
    pinned = (FOLDER / "airflow.txt").read_text()
    for library in {library for contract in CONTRACTS.values() for library in libraries(contract)}:
        assert f"/{library.replace('-', '_')}-*.dist-info" in text or re.search(rf"^{library}==", pinned, re.MULTILINE), library


def test_the_airflow_image_is_without_torch() -> None:
    for path in (FOLDER / "airflow.txt", FOLDER / "extras" / "airflow.txt"):
        assert not re.search(r"^(torch|transformers|datasets|mlflow)==", path.read_text(), re.MULTILINE)


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["airflow", "servers"])
def test_additional_packages_of_an_image_agree_with_the_lock(name: str) -> None:
    extras, lock = pins(FOLDER / "extras" / f"{name}.txt"), pins(HOME / "requirements.lock")
    wanted = [line for line in (FOLDER / "extras" / f"{name}.in").read_text().splitlines() if not line.startswith("#")]
    assert {re.split(r"[\[=<>]", line)[0] for line in wanted} <= extras.keys() | pins(FOLDER / f"{name}.txt").keys()
    assert not extras.keys() & pins(FOLDER / f"{name}.txt").keys()
    assert {one: version for one, version in extras.items() if lock.get(one, version) != version} == {}


def size(image: str) -> int:
    return int(docker("inspect", "--format", "{{.Size}}", image))


def test_sizes(images: str, base_image: str) -> None:
    assert size(f"{NAMES}/light:{VERSION}") - size(base_image) <= 400 * MB
    assert size(f"{NAMES}/training:{VERSION}") <= 1900 * MB
    for image in IMAGES:
        assert size(f"{NAMES}/{image.name}:{VERSION}") - size(f"{NAMES}/{image.base}:{VERSION}") <= 1 * MB


@pytest.mark.parametrize(("name", "stage"), few([(image.name, image.stage) for image in IMAGES], BUILT), ids=NAMES_OF_IMAGES)
def test_an_image_runs_without_root_and_says_what_it_is(images: str, name: str, stage: str) -> None:
    image = f"{NAMES}/{name}:{VERSION}"
    config = json.loads(docker("inspect", "--format", "{{json .Config}}", image))
    assert config["User"] == "10001:10001"
    assert config["Labels"]["org.opencontainers.image.version"] == VERSION
    assert config["Labels"][LABEL] == code_digest(stage)
    assert re.match(r"[0-9a-f]{40}(\+dirty)?$|trainshed ", config["Labels"]["org.opencontainers.image.revision"])
    usage = docker("run", "--rm", "--read-only", "--cap-drop", "ALL", "--network", "none", image, "--help")
    assert usage.startswith(f"usage: python -m components.{stage}")


LOOK = """
import json, sys
from importlib import import_module
from pipeline.artifacts.code import reached_modules
from pipeline.artifacts.fingerprint import _version
contract = import_module(f"components.{sys.argv[1]}.contract").contract
print(json.dumps([reached_modules(sys.argv[1], {}), {name: _version(name) for name in contract.libraries}]))
"""


@pytest.mark.parametrize(("name", "stage"), few([(image.name, image.stage) for image in IMAGES], BUILT), ids=NAMES_OF_IMAGES)
def test_code_and_libraries_inside_are_those_that_are_planned_with(images: str, name: str, stage: str) -> None:
    found = docker(
        "run", "--rm", "--read-only", "--network", "none", "--entrypoint", "python", f"{NAMES}/{name}:{VERSION}", "-c", LOOK, stage
    )
    modules, libraries = json.loads(found)
    assert modules == reached_modules(stage, {})
    assert libraries == {name: _version(name) for name in CONTRACTS[stage].libraries}


@pytest.mark.parametrize("base", ["light", "training"])
def test_a_bill_of_materials_names_every_package_at_its_version(images: str, base: str) -> None:
    command = [client(), "run", "--rm", "-i", "--network", "none", "--entrypoint", "python", f"{NAMES}/{base}:{VERSION}", "-", base]
    script = (FOLDER / "sbom.py").read_bytes()
    bills = [subprocess.run(command, input=script, capture_output=True, check=True).stdout for _ in range(2)]
    assert bills[0] == bills[1]
    bill = json.loads(bills[0])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    held = {one["purl"].partition("?")[0] for one in bill["components"]}
    pinned = re.findall(r"^([a-z0-9.-]+)==(\S+)", (FOLDER / f"{base}.txt").read_text(), re.MULTILINE)
    assert len(pinned) > 30
    assert {f"pkg:pypi/{name.replace('.', '-')}@{version}" for name, version in pinned} <= held
    assert any(purl.startswith("pkg:deb/debian/libc6@") for purl in held)
    assert any(purl.startswith("pkg:pypi/torch@") for purl in held) == (base == "training")


@pytest.mark.prove
def test_the_airflow_image_reads_the_dags(images: str, base_image: str) -> None:
    build(base_image, "airflow")
    image = f"{NAMES}/airflow:{VERSION}"
    script = "from airflow.dag_processing.dagbag import DagBag; b = DagBag('/app/dags'); print(sorted(b.dags), b.import_errors)"
    command = [
        client(),
        "run",
        "--rm",
        "--read-only",
        "--network",
        "none",
        "-e",
        "TRAINSHED_LAUNCHER=docker",
        "-e",
        "TRAINSHED_STATE=/airflow",
    ]
    done = subprocess.run([*command, "--entrypoint", "python", image, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == [f"{RECIPES} {{}}"], done.stdout + done.stderr
