"""``--set FIELD=VALUE``."""

import pytest

from pipeline.cli.overrides import read_overrides
from pipeline.errors import BadInput


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("a.b=3", 3),
        ("a.b=1e-3", 0.001),
        ("a.b=text", "text"),
        ("a.b=[x, y]", ["x", "y"]),
        ("a.b=null", None),
        ("a.b='1e-3 m'", "1e-3 m"),
        ("a.b=x=y", "x=y"),
    ],
)
def test_values_are_read_as_yaml(given, value):
    assert read_overrides([given]) == {"a.b": value}


@pytest.mark.parametrize("given", ["steps", "a.b=[1"])
def test_what_cannot_be_read_is_refused(given):
    with pytest.raises(BadInput, match="--set"):
        read_overrides([given])
