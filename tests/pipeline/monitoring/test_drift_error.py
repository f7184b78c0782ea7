"""How often the drift test alarms: with unchanged text, as rarely as stated; with text of another domain, in the first window.

The small versions use made-up texts. The full ones, marked `prove`, use the docstrings of this environment and the texts of Airflow's
user interface, and print the figures of `docs/measurements.md`.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.scratch_checkout import HOME
from fixtures.simulated_texts import Language
from scipy import stats

from pipeline.corpus.ingest import ingest_corpus
from pipeline.corpus.read_corpus import read_split
from pipeline.monitoring.drift import TESTS, compare, level_of
from pipeline.monitoring.profile import Measures, Text, make_profile
from pipeline.recipe import read_recipe
from pipeline.reporter import SilentReporter
from pipeline.settings import load_settings
from pipeline.sources import PINNERS
from pipeline.tasks.parts import part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.monitoring.drift import Shift
    from pipeline.monitoring.profile import Profile

ENGLISH = Language(1)


def profile_of(texts: Sequence[str]) -> Profile:
    return make_profile(map(str, range(len(texts))), lambda ids: [(one, Text(texts[int(one)])) for one in ids])


def smallest_p(profile: Profile, window: Measures) -> float:
    """The error at which a window would just be an alarm, by Bonferroni."""
    return len(TESTS) * min(shift.p for shift in compare(profile.reference, window, 0.0))


def alarms(profile: Profile, window: Measures, least: float = 0.1) -> list[Shift]:
    """What crosses the thresholds of a recipe that changes nothing."""
    return [shift for shift in compare(profile.reference, window, level_of(0.05, 100), least) if shift.crossed]


def test_unchanged_text_seldom_alarms() -> None:
    """At 20 % for each window, 20 of 100 are expected; 35 would be far above."""
    profile = profile_of(ENGLISH.texts(3000, 0))
    found = [smallest_p(profile, profile.measure(ENGLISH.texts(150, 1 + seed))) for seed in range(100)]
    assert sum(p <= 0.2 for p in found) <= 30
    assert sum(p <= 0.0005 for p in found) == 0


@pytest.mark.parametrize("other", [Language(2), Language(1, length=3.6)], ids=["another language", "longer texts"])
def test_a_shift_is_found_in_the_first_window(other: Language) -> None:
    profile = profile_of(ENGLISH.texts(3000, 0))
    assert alarms(profile, profile.measure(other.texts(150, 7)))


Rows = list[tuple[str, str]]
"""Group and text of documents."""


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The different texts of the training documents of two recipes, in a random order."""
    found = {}
    for name in ("pydocs", "airflow-ui-translation"):
        folder = tmp_path_factory.mktemp(name)
        recipe, settings = read_recipe(HOME / "dags" / "recipes" / f"{name}.yaml"), load_settings(folder / "state")
        pin = PINNERS.load(recipe.data.source.kind)(recipe.data.source, settings)
        (folder / "corpus").mkdir()
        ingest_corpus(recipe.data, part(recipe.task, "examples"), pin, folder / "corpus", settings, SilentReporter())
        table = read_split(folder / "corpus", "train", ["group", "text"])
        found[name] = shuffled({text: (group, text) for group, text in zip(*table.to_pydict().values(), strict=True)}.values(), 0)
    return found


def shuffled(rows: Iterable[tuple[str, str]], seed: int) -> Rows:
    return random.Random(seed).sample(list(rows), len(list(rows)))


def texts_of(rows: Rows) -> list[str]:
    return [text for _, text in rows]


def show(what: str, hits: int, trials: int) -> None:
    low, high = stats.binomtest(hits, trials).proportion_ci(method="wilson")
    print(f"{what}: {hits} of {trials} = {hits / trials:.1%} (95 % interval {low:.1%} to {high:.1%})")


SAMPLE = 10_000
"""Texts that a profile reads."""


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("size", [100, 500])
def test_500_windows_of_unchanged_text(size: int, ingested: dict[str, Rows]) -> None:
    """Ten profiles of the docstrings, fifty windows of other docstrings for each; no window shares a text with another one."""
    found, by_default = [], 0
    for seed in range(10):
        texts = texts_of(shuffled(ingested["pydocs"], seed))
        profile = profile_of(texts[:SAMPLE])
        for place in range(SAMPLE, SAMPLE + 50 * size, size):
            window = profile.measure(texts[place : place + size])
            found.append(smallest_p(profile, window))
            by_default += bool(alarms(profile, window))
    for level in (0.2, 0.05, 0.01):
        hits = sum(p <= level for p in found)
        show(f"windows of {size} unchanged docstrings that alarm, {level:.0%} stated for each", hits, len(found))
        assert stats.binomtest(hits, len(found), level, "greater").pvalue > 0.001
    show("with the thresholds of a recipe, 0.05 % stated for each", by_default, len(found))
    assert by_default <= 2


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_5000_windows_with_the_thresholds_of_a_recipe(ingested: dict[str, Rows]) -> None:
    """Ten profiles, five hundred windows each, drawn from 25,000 other docstrings. Without the least distance."""
    size, windows, hits = 500, 500, 0
    for seed in range(10):
        texts = texts_of(shuffled(ingested["pydocs"], 100 + seed))
        profile = profile_of(texts[:SAMPLE])
        others = profile.measure(texts[SAMPLE : SAMPLE + 25_000])
        draw = np.random.default_rng(seed)
        for _ in range(windows):
            chosen = draw.choice(len(others), size, replace=False)
            window = Measures(others.numbers[chosen], [others.grams[place] for place in chosen])
            hits += bool(alarms(profile, window, least=0.0))
    show("windows of 500 unchanged docstrings that alarm, 0.05 % stated for each", hits, 10 * windows)
    assert stats.binomtest(hits, 10 * windows, 0.0005, "greater").pvalue > 0.001


@pytest.mark.prove
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("size", "share"), [(100, 1.0), (500, 1.0), (500, 0.5), (500, 0.2), (500, 0.1)])
def test_a_window_of_another_domain(size: int, share: float, ingested: dict[str, Rows]) -> None:
    """Of each window a share comes from another domain: texts of a user interface, or docstrings of one package that the profile lacks."""
    docs = ingested["pydocs"]
    ui = texts_of(ingested["airflow-ui-translation"])
    print()
    for name, other in {
        "user interface": ui,
        **{package: texts_of([row for row in docs if row[0] == package]) for package in PACKAGES},
    }.items():
        own = texts_of([row for row in docs if row[0] != name])
        profile = profile_of(own[:SAMPLE])
        strange, hits = min(round(size * share), len(other)), 0
        for seed in range(100):
            draw = random.Random(seed)
            texts = draw.sample(other, strange) + draw.sample(own[SAMPLE:], size - strange)
            hits += bool(alarms(profile, profile.measure(texts)))
        show(f"windows of {size} with {strange} texts of {name} found", hits, 100)
        assert hits == 100 or share < 1 or size < 500


PACKAGES = ("torch", "sympy", "sqlalchemy")
