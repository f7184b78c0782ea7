"""The mark `unit` is on what starts nothing, and on nothing else."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec

import pytest
from fixtures.mlflow import mlflow_server
from fixtures.tiny import sentences
from fixtures.unit import STARTERS, starts_process


def names_it() -> None:
    subprocess.run(["true"], check=True)


def calls_what_names_it() -> None:
    assert names_it() is None


def imports_it() -> None:
    import multiprocessing

    assert multiprocessing


class Holds:
    def run(self) -> None:
        names_it()


def makes_what_holds_it() -> Holds:
    return next(Holds() for _ in range(2))


def calls_itself() -> None:
    calls_itself()


@pytest.mark.parametrize(
    ("function", "starts"),
    [
        (names_it, True),
        (calls_what_names_it, True),
        (imports_it, True),
        (makes_what_holds_it, True),
        (mlflow_server._get_wrapped_function(), True),
        (calls_itself, False),
        (sentences, False),
    ],
)
def test_what_starts_a_process_is_found(function: object, starts: bool) -> None:
    assert starts_process(function, {}) is starts


@pytest.mark.parametrize("name", sorted(STARTERS))
def test_every_module_that_is_searched_for_exists(name: str) -> None:
    assert find_spec(name)


def test_this_test_is_a_unit_test(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("unit")


@pytest.mark.parametrize("any_settings", ["folder", pytest.param("s3", marks=pytest.mark.server)])
def test_the_mark_server_takes_it_away(request: pytest.FixtureRequest, any_settings: str) -> None:
    assert bool(request.node.get_closest_marker("unit")) is (any_settings == "folder")
