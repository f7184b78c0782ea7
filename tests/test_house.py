"""The repository: generated files are fresh, documented commands and links exist, packages keep to their import layers."""

import re
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)


def test_generated_documents_are_fresh() -> None:
    done = run(sys.executable, "-c", "from pipeline.cli import main; main()", "docs", "--check")
    assert done.returncode == 0, done.stderr


def test_the_import_layers_hold() -> None:
    done = run(str(Path(sys.executable).with_name("lint-imports")))
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_make_target_and_command_of_the_readme_exists() -> None:
    text = (HOME / "README.md").read_text()
    targets = set(re.findall(r"^(\w+):", (HOME / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make (\w+)", text)) <= targets
    usage = run(sys.executable, "-c", "from pipeline.cli import main; main()", "--help").stdout
    for command in set(re.findall(r"`trainshed (\w+)", text)):
        assert re.search(rf"^  {command}\b", usage, re.MULTILINE), command


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for page in [HOME / "README.md", *(HOME / "docs").rglob("*.md")]:
        for target in re.findall(r"(?:\]\(|src=\")(?!https?:)([^)#\"]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_module_says_what_it_is() -> None:
    import ast

    for folder in ("pipeline", "components", "dags"):
        for path in (HOME / folder).rglob("*.py"):
            assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def test_the_lock_pins_torch_by_version_only() -> None:
    """Its build, CPU or CUDA, is chosen where it is installed: a hash or a ``+cpu`` here would lock everybody else out."""
    lock, project = (HOME / "requirements.lock").read_text(), (HOME / "pyproject.toml").read_text()
    assert not re.search(r"^torch==", lock, re.MULTILINE)
    pinned = re.search(r'"(torch==[\d.]+)"', project)[1]
    assert f"TORCH ?= {pinned}\n" in (HOME / "Makefile").read_text()
