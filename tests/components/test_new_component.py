"""A new component, as `docs/extending.md` shows one: what is derived from its contract, and what is generated."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from fixtures.airflow_home import RECIPE
from fixtures.extending import apply, sections
from fixtures.scratch_checkout import ScratchCheckout

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK = """
import json, sys
from pathlib import Path
from pipeline.launchers.check_sizes import check_sizes
from pipeline.lines import trace
from pipeline.orchestration.dag import line_dag
from pipeline.orchestration.trigger_form import form
from pipeline.recipe import read_recipe
from pipeline.recipe.overrides import override
from pipeline.settings import Settings

settings = Settings(state=Path(sys.argv[1]).parent)
recipe = override(read_recipe(Path(sys.argv[1])), {"resources.inspection": "gpu-8"})
check_sizes(recipe, settings)
params = form(recipe, trace(recipe))
dag = line_dag(recipe, settings)
print(json.dumps({
    "size": params["resources.inspection"].value,
    "force": params["force"].schema["items"]["enum"],
    "upstream": sorted(dag.get_task("inspection").upstream_task_ids),
}))
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchCheckout]:
    made = ScratchCheckout(tmp_path_factory.mktemp("checkout"))
    apply(sections()["A component"], made)
    return made


def test_the_build_script_builds_it_on_the_base_of_its_contract(checkout: ScratchCheckout) -> None:
    assert "inspection inspection light\n" in checkout.run(sys.executable, "-m", "pipeline.generate.component_images")


def test_it_has_an_identity_in_the_cluster_and_in_the_store(checkout: ScratchCheckout) -> None:
    infra = checkout.folder / "infra"
    for file in ("base/service-accounts.yaml", "external-secrets/stages.yaml"):
        names = [found["metadata"]["name"] for found in yaml.safe_load_all((infra / "kubernetes" / file).read_text())]
        assert "trainshed-inspection" in names
    policy = json.loads((infra / "policies" / "identities" / "inspection.json").read_text())
    assert "arn:aws:s3:::pipeline/manifests/inspection/*" in json.dumps(policy)
    assert (
        "| `inspection` | Count the documents of a corpus. | corpus → report | `cpu-large` |" in (checkout.folder / "README.md").read_text()
    )


def test_one_call_makes_it_a_step_with_a_size_in_the_form_and_a_task_in_the_dag(checkout: ScratchCheckout, tmp_path: Path) -> None:
    recipe = tmp_path / "recipes" / "first.yaml"
    recipe.parent.mkdir()
    recipe.write_text(RECIPE.format(name="first"))
    found = json.loads(checkout.python(LOOK, str(recipe), AIRFLOW_HOME=str(tmp_path / "airflow")).splitlines()[-1])
    assert found["size"] == "gpu-8"
    assert "inspection" in found["force"]
    assert found["upstream"] == ["ingestion", "plan"]
    checkout.trainshed("docs", "--check")


def test_its_code_is_clean_and_keeps_the_import_layers(checkout: ScratchCheckout) -> None:
    checkout.run(str(Path(sys.executable).with_name("ruff")), "check", "components/inspection", "components/__init__.py")
    checkout.run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
