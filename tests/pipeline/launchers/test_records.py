"""The records of launchers: consistent with the table, light to import, and the only place where a launcher's facts are."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from fixtures.scratch_checkout import HOME
from fixtures.toy_launcher import add_toy_launcher, check_toy_launcher

from pipeline.errors import BadInput
from pipeline.launchers import LAUNCHERS
from pipeline.launchers.base import end_steps_of, launcher_record
from pipeline.lookup import load_object
from pipeline.operators.component_operator import ComponentMixin
from pipeline.settings import Settings


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_record_fits_the_table_and_what_it_names_exists(name):
    record = launcher_record(name)
    assert record.name == name
    assert issubclass(load_object(record.operator), ComponentMixin)
    for place in (record.check, record.end_steps):
        assert place is None or callable(load_object(place))


def test_an_unknown_name_gets_the_near_one():
    with pytest.raises(BadInput, match=r"unknown launcher 'dokcer'.*did you mean 'docker'"):
        launcher_record("dokcer")
    assert end_steps_of(Settings(launcher="dokcer")) is None


def test_records_import_neither_airflow_nor_a_client():
    code = (
        "import sys; from pipeline.launchers import LAUNCHERS; from pipeline.launchers.base import launcher_record;"
        "[launcher_record(name) for name in LAUNCHERS];"
        "print({'airflow', 'docker', 'kubernetes', 'torch'} & {name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def modules() -> list[Path]:
    return [path for folder in ("pipeline", "components", "dags") for path in (HOME / folder).rglob("*.py")]


def facts_by_name(tree: ast.AST) -> list[str]:
    """Places of a module that decide something by a launcher's name: comparisons, and tables that have names of launchers as keys."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and "launcher" in ast.unparse(node):
            known = "in LAUNCHERS" in ast.unparse(node)
            found += [] if known else [ast.unparse(node)]
        keys = node.keys if isinstance(node, ast.Dict) else node.elts if isinstance(node, ast.Set) else ()
        names = {key.value for key in keys if isinstance(key, ast.Constant)} & LAUNCHERS.keys()
        if len(names) > 1:
            found.append(ast.unparse(node))
    return found


def test_nobody_decides_by_a_launchers_name():
    table = HOME / "pipeline" / "launchers" / "__init__.py"
    found = {str(path.relative_to(HOME)): facts_by_name(ast.parse(path.read_text())) for path in modules() if path != table}
    assert {path: places for path, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "code",
    [
        'if settings.launcher == "docker": pass',
        "if settings.launcher in ELSEWHERE: pass",
        "ok = launcher != SEVERAL_NODES",
        'PLACES = {"docker": "a:b", "kubernetes": "c:d"}',
        'ELSEWHERE = frozenset({"kubernetes", "trainjob"})',
    ],
)
def test_the_search_finds_what_it_looks_for(code):
    assert facts_by_name(ast.parse(code))


def test_a_new_launcher_is_one_folder_and_one_line(scratch_checkout, tmp_path, s3_server, mlflow_server):
    add_toy_launcher(scratch_checkout)
    check_toy_launcher(
        scratch_checkout,
        tmp_path,
        TRAINSHED_STATE=str(tmp_path / "state"),
        TRAINSHED_STORE=f"s3://{s3_server.bucket}/toy-launcher",
        TRAINSHED_S3_ENDPOINT=s3_server.endpoint,
        AWS_ACCESS_KEY_ID=s3_server.access_key,
        AWS_SECRET_ACCESS_KEY=s3_server.secret_key,
        MLFLOW_TRACKING_URI=mlflow_server.uri,
        TRAINSHED_DEVICE="auto",
    )
