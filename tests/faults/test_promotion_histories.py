"""Many promoters and rollbacks at once, on real servers, with lost answers and deaths: the ledger is linearizable, the alias follows.

Each history draws two to eight callers. A caller promotes models as a run does, rolls back as a person does, plans, or reads the champion.
Proxies before S3 and MLflow lose answers and fail requests. Callers die before or after a request: that call has no answer. A run that
died is retried, as Airflow does; a person tries again or not.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from faults.proxy import Proxy
from fixtures.linearizable import Call, linearize
from fixtures.scores import make_scores

from pipeline.artifacts import open_store
from pipeline.artifacts.manifest import Reference
from pipeline.errors import BadInput, Outdated, Unavailable
from pipeline.recipe.gate import Gate
from pipeline.registry.aliases import sync_aliases, wanted_aliases
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, Outcome
from pipeline.registry.promotion import Proposal, ScoredChampion, decide_promotion
from pipeline.registry.registration_status import Registered, check_registration
from pipeline.registry.rollback import roll_back
from pipeline.registry.versions import DIGEST_TAG, create_version, find_or_create_model, read_aliases
from pipeline.tracking import MlflowServer, step_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.registry.scores import Scores
    from pipeline.settings import Settings

GATE = Gate(threshold=0.0, beats=(), min_examples=1, min_distinct=0.0)
MODELS = 6
FAULTS = 0.06
"""Share of connections that lose their answer, and share that get a 503."""

DEATHS = 0.25
"""Share of calls in which the caller dies at one of its next requests."""

REQUESTS = ("get", "put", "list", "call")


class Died(BaseException):
    """The caller's process was killed here."""


class Mortal:
    """A store or an MLflow client of one caller, who dies at a given request, before it is sent or after it was answered."""

    def __init__(self, inner: Any, caller: Caller) -> None:
        self.inner, self.caller = inner, caller

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in REQUESTS:
            return found

        def request(*arguments: Any, **options: Any) -> Any:
            self.caller.step("before")
            answer = found(*arguments, **options)
            answer = iter(list(answer)) if name == "list" else answer
            self.caller.step("after")
            return answer

        return request


@dataclass
class Whole:
    """Artifacts none of which is damaged: the histories are about the ledger."""

    store: Any

    def resolve(self, reference: Reference) -> Reference:
        return reference

    def verify_and_record(self, manifest: Reference) -> list[str]:
        return []


def reference(kind: str, digest: str) -> Reference:
    return Reference(type=kind, stage=kind, fingerprint=f"made-{digest}", digest=digest)


def scores(value: float) -> Scores:
    return make_scores({"model": [value] * 4}, ids=("a", "b", "c", "d"))


@dataclass
class History:
    """One registered model and what happens to it."""

    servers: Servers
    draw: random.Random
    name: str = field(default_factory=lambda: f"h-{uuid.uuid4().hex[:12]}")
    calls: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.values = {f"model-{index}": self.draw.uniform(1, 50) for index in range(MODELS)}
        self.servers.register(self.name, list(self.values))

    def record(self, call: Call) -> None:
        with self.lock:
            self.calls.append(call)

    def run(self) -> None:
        """Let all callers act at once, each with its own plan."""
        plans = []
        for number in range(self.draw.randint(2, 8)):
            kinds = self.draw.choices(["promote", "roll back", "roll back to", "plan", "read"], [6, 2, 2, 1, 1], k=self.draw.randint(1, 3))
            plans.append(Caller(self, number, random.Random(self.draw.random()), kinds))
        with ThreadPoolExecutor(len(plans)) as pool:
            for done in [pool.submit(caller.act) for caller in plans]:
                done.result()


@dataclass
class Caller:
    """A run or a person."""

    history: History
    number: int
    draw: random.Random
    kinds: list[str]
    dies_in: int | None = None
    side: str = ""

    def __post_init__(self) -> None:
        self.store = Mortal(self.history.servers.stores[self.number], self)
        self.server = Mortal(self.history.servers.clients[self.number], self)
        self.ledger = Ledger(self.store, self.history.name)

    def step(self, side: str) -> None:
        """Count a request, and die at the drawn one."""
        if self.dies_in is not None and side == self.side:
            self.dies_in -= 1
            if self.dies_in < 0:
                self.dies_in = None
                raise Died

    def act(self) -> None:
        for kind in self.kinds:
            model = self.draw.choice(sorted(self.history.values))
            if self.draw.random() < DEATHS:
                self.dies_in, self.side = self.draw.randrange(12), self.draw.choice(["before", "after"])
            try:
                self.do(kind, model)
            except Died:
                # Airflow retries a run; of persons every second one tries again
                if not kind.startswith("roll back") or self.draw.random() < 0.5:
                    self.do(kind, model)
            self.dies_in = None

    def do(self, kind: str, model: str) -> None:
        match kind:
            case "promote":
                self.promote(model)
            case "roll back":
                self.roll_back()
            case "roll back to":
                self.roll_back(model)
            case "plan":
                wanted = Registered(self.history.name, reference("model", model), f"registration of {model}", None)
                check_registration(self.server, self.store, wanted, repair=True)
            case "read":
                self.champion()

    def call(self, what: tuple[Any, ...], answer: Callable[[], Any]) -> Any:
        """Make one call and record it, also if its answer never comes."""
        began = time.monotonic()
        try:
            answered = answer()
        except Died:
            self.history.record(Call(what, began))
            raise
        self.history.record(Call(what, began, time.monotonic(), answered))
        return answered

    def champion(self) -> str | None:
        def answer() -> str | None:
            champion = self.ledger.champion()
            return champion.digest if champion else None

        found: str | None = self.call(("read",), answer)
        return found

    def promote(self, model: str) -> None:
        """Plan, decide, set the aliases; a champion that changed meanwhile makes a new plan."""
        while True:
            planned = self.champion()
            if self.call(("decide", model, planned), lambda planned=planned: self.decide(model, planned)) != ("outdated",):
                break
        sync_aliases(self.server, self.ledger)

    def decide(self, model: str, planned: str | None) -> tuple[Any, ...]:
        against = ScoredChampion(reference("model", planned), (reference("report", planned),), self.scores(planned)) if planned else None
        challenger = Candidate(version=1, model=reference("model", model), report=reference("report", model))
        proposal = Proposal(GATE, challenger, self.scores(model), against, f"registration of {model}", f"run-{self.number}")
        try:
            entry = decide_promotion(self.ledger, proposal)
        except Outdated:
            return ("outdated",)
        return (entry.number,)

    def scores(self, model: str) -> Scores:
        return scores(self.history.values[model])

    def roll_back(self, model: str | None = None) -> None:
        # a person sees an error when somebody else decided at that moment: nothing was written
        with suppress(Unavailable):
            self.call(("roll back", model), partial(self.rolled_back, model))

    def rolled_back(self, model: str | None) -> tuple[Any, ...]:
        version = version_of(model) if model else None
        try:
            return (roll_back(self.server, Whole(self.store), self.history.name, f"by person {self.number}", version).entry.number,)
        except BadInput:
            return ("nothing",)


def version_of(model: str) -> int:
    """The version that `Servers.register` made of ``model-<index>``."""
    return int(model.removeprefix("model-")) + 1


Entries = tuple[tuple[Outcome, str, int | None], ...]
"""The sequential ledger: what was decided, about which model, against the champion of which entry."""


def champion_of(entries: Entries) -> int | None:
    """Number of the entry that made the champion."""
    if not entries:
        return None
    outcome, _, against = entries[-1]
    return against if outcome is Outcome.REFUSED else len(entries)


def sequential(values: dict[str, float]) -> Callable[[Entries, tuple[Any, ...]], tuple[Entries, Any]]:
    """What one call after another would do to the ledger, written without the code under test."""

    def model_at(entries: Entries, number: int | None) -> str | None:
        return entries[number - 1][1] if number else None

    def withdrawn(entries: Entries, model: str, champion: int | None) -> bool:
        """Whether rollbacks, one after another, replaced this model by the champion."""
        number, serves = champion, model_at(entries, champion)
        while number and entries[number - 1][0] is Outcome.ROLLED_BACK:
            before = entries[number - 1][2]
            if model_at(entries, before) == model != serves:
                return True
            number = before
        return False

    def decide(entries: Entries, model: str, planned: str | None) -> tuple[Entries, Any]:
        champion = champion_of(entries)
        serves = model_at(entries, champion)
        if serves == model:
            return entries, (champion,)
        if serves != planned:
            return entries, ("outdated",)
        for number in range(len(entries), champion or 0, -1):
            if entries[number - 1][1] == model:
                return entries, (number,)
        better = serves is None or values[model] > values[serves]
        outcome = Outcome.PROMOTED if better and not withdrawn(entries, model, champion) else Outcome.REFUSED
        return (*entries, (outcome, model, champion)), (len(entries) + 1,)

    def roll(entries: Entries, model: str | None) -> tuple[Entries, Any]:
        champion = champion_of(entries)
        serves = model_at(entries, champion)
        if champion is None:
            return entries, ("nothing",)
        if model == serves:
            return entries, (champion,)
        if model:
            served = any(outcome is Outcome.PROMOTED and model == other for outcome, other, _ in entries)
            return ((*entries, (Outcome.ROLLED_BACK, model, champion)), (len(entries) + 1,)) if served else (entries, ("nothing",))
        if entries[champion - 1][0] is Outcome.ROLLED_BACK:
            return entries, ("nothing",)
        promotions = [entry for entry in reversed(entries) if entry[0] is Outcome.PROMOTED and entry[1] == serves]
        if promotions[0][2] is None:
            return entries, ("nothing",)
        target = model_at(entries, promotions[0][2])
        return (*entries, (Outcome.ROLLED_BACK, target, champion)), (len(entries) + 1,)

    def apply(entries: Entries, what: tuple[Any, ...]) -> tuple[Entries, Any]:
        match what:
            case ("read",):
                return entries, model_at(entries, champion_of(entries))
            case ("decide", model, planned):
                return decide(entries, model, planned)
            case (_, model):
                return roll(entries, model)
        raise AssertionError(what)

    return apply


@dataclass
class Servers:
    """The real servers, and clients of eight callers behind proxies."""

    direct: Settings
    stores: list[Any]
    clients: list[MlflowServer]
    proxies: list[Proxy]

    def register(self, name: str, digests: list[str]) -> None:
        """Make a registered model with one version for each digest."""
        server = MlflowServer(self.direct)
        run = step_run(self.direct, "promotion-histories", "all", "registration")
        find_or_create_model(server, name)
        for digest in digests:
            create_version(server, name, f"{run.artifact_uri}/{digest}", run.id, {DIGEST_TAG: digest})

    def disturb(self, draw: random.Random) -> None:
        """Draw what happens to the next connections."""
        for proxy in self.proxies:
            proxy.faults.clear()
            proxy.faults.extend(draw.choices(["lose the answer", "503", ""], [FAULTS, FAULTS, 1 - 2 * FAULTS], k=1000))

    def calm(self) -> None:
        for proxy in self.proxies:
            proxy.faults.clear()


@pytest.fixture(scope="module")
def servers(s3_server, mlflow_server, tmp_path_factory) -> Iterator[Servers]:
    state = tmp_path_factory.mktemp("histories")
    proxies = [Proxy(s3_server.endpoint), Proxy(mlflow_server.uri)]
    direct = s3_server.settings(state, mlflow_uri=mlflow_server.uri, mlflow_retry_s=60)
    through = direct.model_copy(update={"s3_endpoint": proxies[0].url, "mlflow_uri": proxies[1].url})
    yield Servers(direct, [open_store(through) for _ in range(8)], [MlflowServer(through) for _ in range(8)], proxies)
    for proxy in proxies:
        proxy.close()


def ledger_of(history: History) -> Ledger:
    return Ledger(open_store(history.servers.direct), history.name)


def check(history: History) -> Counter[str]:
    """Check one history that has ended; count what happened in it."""
    ledger = ledger_of(history)
    head = ledger.head()
    written = [] if head is None else [ledger.entry(number) for number in range(1, head.number + 1)]
    entries = tuple((entry.decision, entry.digest, entry.against) for entry in written)
    assert linearize(history.calls, (), sequential(history.values), entries) is not None, (history.calls, entries)
    server = MlflowServer(history.servers.direct)
    unanswered = [call for call in history.calls if call.ended is None and call.what != ("read",)]
    stale = not aliases_follow(server, ledger)
    # only a death between ledger and alias leaves a stale alias, and the next plan repairs it
    assert unanswered or not stale
    sync_aliases(server, ledger)
    assert aliases_follow(server, ledger)
    return Counter(
        calls=len(history.calls), entries=len(entries), deaths=len(unanswered), stale=stale, **Counter(entry[0].value for entry in entries)
    )


def aliases_follow(server: MlflowServer, ledger: Ledger) -> bool:
    """Whether MLflow's aliases are those of the ledger's newest entry."""
    head = ledger.head()
    wanted = wanted_aliases(head, ledger.champion(head))
    found = read_aliases(server, ledger.model)
    return all(found.get(alias) == version_of(digest) for alias, digest in wanted.items())


# 200 histories take minutes; the small number shows that the test works
@pytest.mark.parametrize("count", [6, pytest.param(200, marks=[pytest.mark.prove, pytest.mark.timeout(3600)])])
def test_random_histories_are_linearizable_and_the_alias_follows_the_ledger(servers: Servers, count: int) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print("seed", seed)
    draw = random.Random(seed)
    total: Counter[str] = Counter()
    for _ in range(count):
        history = History(servers, random.Random(draw.random()))
        servers.disturb(draw)
        history.run()
        servers.calm()
        total += check(history)
    print(count, "histories", dict(total))
    assert total["entries"] > count


def test_the_checker_refuses_a_ledger_with_two_first_champions() -> None:
    both = [Call(("decide", model, None), 0.0, 1.0, (number,)) for number, model in enumerate(("a", "b"), 1)]
    entries = ((Outcome.PROMOTED, "a", None), (Outcome.PROMOTED, "b", None))
    assert linearize(both, (), sequential({"a": 1.0, "b": 2.0}), entries) is None


def test_the_checker_refuses_a_read_of_an_old_champion() -> None:
    apply = sequential({"a": 1.0})
    decided = Call(("decide", "a", None), 0.0, 1.0, (1,))
    assert linearize([decided, Call(("read",), 2.0, 3.0, None)], (), apply, ((Outcome.PROMOTED, "a", None),)) is None
    assert linearize([decided, Call(("read",), 0.5, 3.0, None)], (), apply, ((Outcome.PROMOTED, "a", None),)) is not None
