"""A scratch checkout imports itself, and says which of its files changed."""

from fixtures.scratch_checkout import ScratchCheckout


def test_a_change_is_seen_and_imported(scratch_checkout: ScratchCheckout) -> None:
    assert scratch_checkout.changed() == set()
    scratch_checkout.write("pipeline/toy.py", '"""A toy."""\n\nNAME = "toy"\n')
    scratch_checkout.replace("components/__init__.py", "    {\n", '    {\n        "toy": "pipeline.toy:NAME",\n')
    printed = scratch_checkout.python("from components import COMPONENTS; print(COMPONENTS.load('toy'))")
    assert printed == "toy\n"
    assert scratch_checkout.changed() == {"pipeline/toy.py", "components/__init__.py"}


def test_its_command_line_reads_its_own_files(scratch_checkout: ScratchCheckout) -> None:
    scratch_checkout.replace("components/ingestion/component.yaml", "name: ingestion", "name: other")
    assert scratch_checkout.trainshed("docs") == "wrote components/ingestion/component.yaml\n"
    assert scratch_checkout.changed() == set()
