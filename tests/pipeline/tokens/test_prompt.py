"""What a model reads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.tokens import prompt
from pipeline.tokens.prompt import source_text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pkg.net.HTTPServer.get_value2", "http server get value2: Body."),
        ("parseURLFast", "parse url fast: Body."),
        ("__init__", "init: Body."),
        ("Annual report v1.2", "annual report v1 2: Body."),
        ("a.b.straßeÖffnen", "b straßeöffnen: Body."),
        ("", "Body."),
        ("...", "Body."),
    ],
)
def test_the_words_of_the_name_stand_before_the_text(name: str, expected: str) -> None:
    assert source_text(name, "Body.") == expected


def test_it_imports_nothing_but_the_standard_library() -> None:
    code = (
        f"import sys; sys.path[:0] = []; exec(open({prompt.__file__!r}).read()); print('pipeline' in sys.modules, 'numpy' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "False"]
