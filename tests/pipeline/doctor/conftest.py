"""Fixtures of these tests alone."""

import pytest
from fixtures.answers import airflow, answers

__all__ = ["airflow", "answers"]


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    """The recipes that somebody handed in here are none of these tests'."""
    monkeypatch.setenv("TRAINSHED_STATE", str(tmp_path))
