"""The command line of a component for one process and for several; the world size of a rebuilt version."""

from types import SimpleNamespace

import pytest

from pipeline.local.command import component_command
from pipeline.local.reproduce import _processes


def test_one_process_is_the_component_itself_and_several_are_torchruns():
    plain = ["-m", "components.pretraining", "--request", "s3://x/y", "--tethered"]
    assert component_command("pretraining", "s3://x/y")[1:] == plain
    assert component_command("pretraining", "s3://x/y", 2)[1:] == ["-m", "pipeline.runtime.torchrun", "--nproc-per-node", "2", *plain]


@pytest.mark.parametrize(
    ("environment", "count", "told"),
    [
        ({"device": "cpu", "processes": "2"}, 2, 0),
        ({"device": "cuda", "processes": "1"}, 1, 0),
        ({"device": "cuda", "processes": "16"}, 1, 1),
        ({"device": "cpu", "processes": "2, 1 from step 40"}, 1, 1),
        ({}, 1, 0),
    ],
)
def test_a_version_is_rebuilt_by_as_many_processes_where_that_can_be(environment, count, told):
    lines = []
    manifest = SimpleNamespace(stage="pretraining", provenance=SimpleNamespace(environment=environment))
    assert _processes(manifest, lambda stage, line: lines.append(line)) == count
    assert len(lines) == told
