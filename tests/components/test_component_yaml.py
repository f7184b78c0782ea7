"""Each ``component.yaml`` says what its contract says, and Kubeflow Pipelines can load it."""

import json
from pathlib import Path

from fixtures.kfp import in_kfp, needs_kfp

from components import COMPONENTS
from pipeline.generate.component_yaml import component_files

HOME = Path(__file__).resolve().parents[2]


def test_files_are_generated_from_the_contracts() -> None:
    for path, text in component_files(HOME).items():
        assert path.read_text() == text, f"{path} is stale: run make docs"


@needs_kfp
def test_the_kfp_sdk_loads_every_component() -> None:
    code = (
        "import json, sys\nfrom kfp import components\n"
        "for path in sys.argv[1:]:\n"
        "    loaded = components.load_component_from_file(path)\n"
        "    print(json.dumps([loaded.name, sorted(loaded.component_spec.inputs)]))\n"
    )
    files = [str(HOME / "components" / name / "component.yaml") for name in COMPONENTS]
    # the SDK writes a hyphen for an underscore
    names = [name.replace("_", "-") for name in COMPONENTS]
    assert [json.loads(line) for line in in_kfp("-c", code, *files).splitlines()] == [[name, ["request"]] for name in names]
