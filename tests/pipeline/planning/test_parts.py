"""An input that names the parts it reads: what a plan, a request and the check of damage take from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from fixtures.artifacts import flip, write_files
from fixtures.line import small_recipe

from components.tokenization import contract as tokenization
from pipeline.artifacts.artifacts import Draft
from pipeline.artifacts.manifest import Provenance
from pipeline.planning import Plan, Status, plan_run, prepare_step
from pipeline.planning.planner import Planner
from pipeline.runtime.work_folder import open_inputs

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.artifacts.manifest import Manifest
    from pipeline.settings import Settings

FILES = {"read/a": "a", "single": "s", "unread/b": "b", "reader/c": "c"}
PARTS = ("read", "single")


class Store:
    """A store with the first artifacts of a line; tokenization reads two of the four parts of the corpus."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder, self.recipe = settings, folder, small_recipe(folder)
        self.artifacts = Planner(self.recipe, settings).artifacts

    def plan(self) -> Plan:
        return plan_run(self.recipe, "small-1", self.settings, record=False)

    def commit(self, step_id: str, files: dict[str, str], outputs: dict | None = None) -> Manifest:
        """Commit an artifact of a step with these files; it becomes the current one of its fingerprint."""
        planner = Planner(self.recipe, self.settings)
        step = next(step for step in planner.steps if step.id == step_id)
        resolved = planner.resolver.resolve(step, outputs or {})
        now = datetime.now(UTC)
        draft = Draft(
            type=step.component.output, stage=step.component.name, parts=resolved.parts, inputs=resolved.inputs,
            provenance=Provenance(code_version="x", run="small-1", started=now, finished=now),
        )  # fmt: skip
        return self.artifacts.commit(draft, write_files(self.folder / f"{step_id}-{len(list(self.folder.iterdir()))}", files))


@pytest.fixture
def store(folder_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    taken = replace(tokenization.contract.inputs["corpus"], parts=PARTS)
    monkeypatch.setattr(tokenization, "contract", replace(tokenization.contract, inputs={**tokenization.contract.inputs, "corpus": taken}))
    (tmp_path / "made").mkdir()
    return Store(folder_settings, tmp_path / "made")


def test_a_file_that_is_not_read_changes_no_fingerprint(store: Store) -> None:
    corpus = store.commit("ingestion", FILES)
    store.commit("tokenization", {"t": "t"}, {"ingestion": corpus.reference})
    before = store.plan().step("tokenization")
    other = store.commit("ingestion", {**FILES, "unread/b": "other", "reader/c": "other", "more": "m"})
    after = store.plan().step("tokenization")
    assert other.digest != corpus.digest
    assert (before.status, after) == (Status.HIT, before)


@pytest.mark.parametrize("name", ["read/a", "single", "read/new"])
def test_a_file_that_is_read_makes_the_step_run_and_explains_it(store: Store, name: str) -> None:
    corpus = store.commit("ingestion", FILES)
    store.commit("tokenization", {"t": "t"}, {"ingestion": corpus.reference})
    other = store.commit("ingestion", {**FILES, name: "other"})
    row = store.plan().step("tokenization")
    assert row.status is Status.MISS
    assert row.reason == f"input corpus: {corpus.digest_of(PARTS)[:12]} → {other.digest_of(PARTS)[:12]}"


def test_a_request_has_the_whole_reference_and_fetches_only_the_parts(store: Store) -> None:
    corpus = store.commit("ingestion", FILES)
    request = prepare_step(store.recipe, "small-1", "tokenization", store.settings, {"ingestion": corpus.reference}).request
    assert request.inputs == {"corpus": corpus.reference}
    opened = open_inputs(tokenization.contract, store.artifacts, request, store.folder / "work")["corpus"]
    assert sorted(path.relative_to(opened.folder).as_posix() for path in opened.folder.rglob("*") if path.is_file()) == ["read/a", "single"]
    assert opened.reference == corpus.reference


@pytest.mark.parametrize(("damaged", "status"), [("unread/b", Status.HIT), ("read/a", Status.MISS)])
def test_only_what_a_miss_reads_is_verified(store: Store, damaged: str, status: Status) -> None:
    corpus = store.commit("ingestion", FILES)
    flip(store.artifacts, corpus, [entry.path for entry in corpus.files].index(damaged))
    plan = store.plan()
    assert plan.step("ingestion").status is status
    assert plan.step("tokenization").status is (Status.MISS if status is Status.HIT else Status.PENDING)
