"""Which artifacts hold documents that are to be forgotten, and which corpus a plan pins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from fixtures.artifacts import write_files

from components import COMPONENTS
from pipeline.artifacts import open_artifacts
from pipeline.artifacts.artifacts import Artifacts, Draft
from pipeline.artifacts.manifest import Parts, Provenance
from pipeline.erasure.holders import Holders
from pipeline.erasure.pinned import leave_out
from pipeline.erasure.tombstones import APPLIED, SHORT, Tombstone
from pipeline.sources.base import Pin, PinnedItem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.artifacts.manifest import Manifest

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Make = "Callable[..., Manifest]"


@pytest.fixture
def artifacts(folder_settings) -> Artifacts:
    return open_artifacts(folder_settings)


@pytest.fixture
def make(artifacts, tmp_path) -> Callable[..., Manifest]:
    """Commit an artifact of a stage with files and inputs, as the runtime does."""

    def commit(stage: str, name: str, files: Mapping[str, str], counts: Mapping[str, int] | None = None, **inputs: Manifest) -> Manifest:
        component = COMPONENTS.load(stage)
        digests = {key: found.digest_of(component.input(key).parts) for key, found in inputs.items()}
        parts = Parts(component=stage, version=1, params={"name": name}, inputs=digests, modules={}, libraries={})
        provenance = Provenance(code_version="x", run="r", started=NOW, finished=NOW)
        references = {key: found.reference for key, found in inputs.items()}
        drafted = Draft(
            type=component.output, stage=stage, parts=parts, inputs=references, counts=dict(counts or {}), provenance=provenance
        )
        return artifacts.commit(drafted, write_files(tmp_path / f"{stage}-{name}", files))

    return commit


def corpus_files(train: str, validation: str = "v", test: str = "t") -> dict[str, str]:
    return {"train-00000.parquet": train, "validation-00000.parquet": validation, "test-00000.parquet": test}


def entry(*held: tuple[Manifest, tuple[str, ...]], searched: tuple[Manifest, ...] = (), number: int = 1) -> Tombstone:
    found = {corpus.digest: splits for corpus, splits in held}
    every = tuple(corpus.digest[:SHORT] for corpus in (*searched, *(corpus for corpus, _ in held)))
    return Tombstone(number=number, time=NOW, person="ada", ids=(f"{number:024x}",), held=found, searched=every)


def test_everything_that_was_made_from_the_corpus_holds_it_and_nothing_else(artifacts, make) -> None:
    corpus, other = make("ingestion", "a", corpus_files("secret")), make("ingestion", "b", corpus_files("plain"))
    made = []
    for name, given in (("a", corpus), ("b", other)):
        tokens = make("tokenization", name, {"tokenizer/t": name, "examples/e": name, "streams/s": name}, corpus=given)
        base = make("pretraining", name, {"weights": f"base {name}"}, tokens=tokens)
        model = make("finetuning", name, {"weights": name}, tokens=tokens, base=base)
        report = make("evaluation", name, {"report.json": name}, corpus=given, model=model)
        made.append([given, tokens, base, model, report])
    from_champion = make("finetuning", "c", {"weights": "c"}, tokens=made[1][1], base=made[0][3])
    holders = Holders(artifacts, [entry((corpus, ("train",)), searched=(other,))])
    assert {one.key for one, _ in holders.all()} == {one.key for one in (*made[0], from_champion)}
    assert "entry 1" in str(holders.why_not([from_champion.reference]))
    assert holders.why_not([made[1][3].reference]) is None


def test_a_step_that_reads_other_splits_does_not_hold_it(artifacts, make) -> None:
    corpus = make("ingestion", "a", corpus_files("train", validation="v1", test="secret"))
    fresh = make("tokenization", "a", {"examples/e": "1"}, corpus=make("ingestion", "b", corpus_files("b")))
    model = make("finetuning", "a", {"weights": "1"}, tokens=fresh, corpus=corpus)  # it reads the validation split
    searched = artifacts.resolve(fresh.inputs["corpus"])
    assert Holders(artifacts, [entry((corpus, ("test",)), searched=(searched,))]).entries_of(model.reference) == frozenset()
    assert Holders(artifacts, [entry((corpus, ("validation",)), searched=(searched,))]).entries_of(model.reference) == {1}


@pytest.mark.parametrize(("split", "held"), [("train", {"tokenizer", "encoding"}), ("validation", {"encoding"}), ("test", set())])
def test_shares_that_were_encoded_ahead_hold_what_they_read(split: str, held: set[str], artifacts, make) -> None:
    """The tokenizer is made of training only, and shares of both splits; the test split is encoded by nobody."""
    corpus = make("ingestion", "a", corpus_files("1", "2", "3"))
    tokenizer = make("tokenizer", "a", {"tokenizer.json": "t"}, corpus=corpus)
    share = make("encoding", "a", {"share.json": "{}"}, corpus=corpus, tokenizer=tokenizer)
    tokens = make("tokenization", "a", {"streams/s": "s"}, corpus=corpus, tokenizer=tokenizer, encoded=share)
    holders = Holders(artifacts, [entry((corpus, (split,)))])
    assert {one.stage for one in (tokenizer, share) if holders.entries_of(one.reference)} == held
    assert holders.entries_of(tokens.reference) == {1}


def test_a_result_that_a_clean_input_would_give_too_is_clean(artifacts, make) -> None:
    """The tokens read the test split as well, but what fine-tuning reads of them is the same with and without it."""
    corpus = make("ingestion", "a", corpus_files("train", test="secret"))
    tokens = make("tokenization", "a", {"tokenizer/t": "1", "examples/e": "1", "streams/s": "with"}, corpus=corpus)
    model = make("finetuning", "a", {"weights": "1"}, tokens=tokens)
    found = entry((corpus, ("test",)))
    assert Holders(artifacts, [found]).entries_of(model.reference) == {1}
    clean = make("ingestion", "b", corpus_files("train", test="left"), {APPLIED: 1})
    make("tokenization", "b", {"tokenizer/t": "1", "examples/e": "1", "streams/s": "without"}, corpus=clean)
    holders = Holders(artifacts, [found])
    assert holders.entries_of(model.reference) == frozenset()
    assert holders.entries_of(tokens.reference) == {1}


def test_a_corpus_that_nobody_searched_counts_until_it_is_made_again(artifacts, make) -> None:
    meanwhile = make("ingestion", "a", corpus_files("x"))
    assert Holders(artifacts, [entry()]).entries_of(meanwhile.reference) == {1}
    make("ingestion", "b", corpus_files("x"), {APPLIED: 1})  # with the documents left out it has the same bytes
    assert Holders(artifacts, [entry()]).entries_of(meanwhile.reference) == frozenset()


def test_a_lost_corpus_is_known_by_its_digest(artifacts, make) -> None:
    corpus = make("ingestion", "a", corpus_files("secret"))
    tokens = make("tokenization", "a", {"examples/e": "1"}, corpus=corpus)
    artifacts.store.delete(corpus.key)
    assert Holders(artifacts, [entry((corpus, ("train",)))]).entries_of(tokens.reference) == {1}


def test_without_entries_nothing_is_read(artifacts, make) -> None:
    made = make("ingestion", "a", corpus_files("x"))
    artifacts.store.delete(made.key)
    assert Holders(artifacts).entries_of(made.reference) == frozenset()


PIN = Pin(kind="jsonl", items=(PinnedItem(name="a", revision="1"),))


def test_only_entries_that_concern_a_corpus_change_its_identity(make) -> None:
    stored: dict[str, Manifest] = {}
    found = stored.get
    plain = make("ingestion", "a", corpus_files("x"))
    stored[PIN.digest] = plain
    assert leave_out(PIN, [], lambda pin: found(pin.digest)) is PIN
    apart = entry(searched=(plain,))
    assert leave_out(PIN, [apart], lambda pin: found(pin.digest)).digest == PIN.digest
    mine, later = entry((plain, ("train",)), number=2), entry(number=3)
    pinned = leave_out(PIN, [apart, mine], lambda pin: found(pin.digest))
    assert pinned.forgotten == (mine.digest,)
    assert pinned.digest != PIN.digest
    clean = stored[pinned.digest] = make("ingestion", "b", corpus_files("y"), {APPLIED: 2})
    assert leave_out(PIN, [apart, mine], lambda pin: found(pin.digest)).digest == pinned.digest
    # the next entry was searched for in neither corpus: both are made again, the second one with what both entries say
    again = leave_out(PIN, [apart, mine, later], lambda pin: found(pin.digest))
    assert set(again.forgotten) == {mine.digest, later.digest}
    assert again.forgotten_until == 3
    assert clean.counts[APPLIED] == 2


def test_new_data_has_the_identity_that_it_has_without_entries() -> None:
    assert leave_out(PIN, [entry()], lambda _: None).digest == PIN.digest
