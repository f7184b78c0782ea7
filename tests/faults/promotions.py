"""A rollback as an action of a sweep: a model with three promoted versions goes back by one."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from faults.sweep import Action
from fixtures.artifacts import write_files
from fixtures.registered import commit_model

from pipeline.artifacts import open_artifacts, open_store
from pipeline.errors import BadInput, Unavailable
from pipeline.registry.aliases import sync_aliases
from pipeline.registry.ledger import Ledger
from pipeline.registry.ledger_entry import Candidate, LedgerEntry, Outcome
from pipeline.registry.register_version import register_version
from pipeline.registry.rollback import roll_back
from pipeline.registry.versions import read_aliases, set_alias
from pipeline.tracking import MlflowServer
from pipeline.tracking.runs import step_run

if TYPE_CHECKING:
    from faults.world import World

VERSIONS = 3


def rollback_action(world: World, server: str, *, reads_errors: bool) -> Action:
    """A rollback, disturbed on its way to ``s3`` or ``mlflow``, by a person who types the command that an error names, or never does."""
    name = f"rollback, {server}, {'the named' if reads_errors else 'the same'} command again"
    return Action(name, getattr(world, server), partial(RollbackCase, world, reads_errors))


class RollbackCase:
    """A ledger of three promotions, and MLflow with a version of each."""

    def __init__(self, world: World, reads_errors: bool) -> None:
        self.world, self.reads_errors, self.direct = world, reads_errors, world.direct()
        self.disturbed = world.disturbed(self.direct, retry_s=0.0)
        self.to_version: int | None = None
        self.names: dict[str, str] = {}
        self.ledger = Ledger(open_store(self.direct), f"m-{uuid.uuid4().hex[:12]}")
        self.server = MlflowServer(self.direct)
        run = step_run(self.direct, "rollbacks", self.ledger.model, "registration")
        package = write_files(world.folder / self.ledger.model, {"MLmodel": "flavors: {}"})
        for number in range(1, VERSIONS + 1):
            model = commit_model(open_artifacts(self.direct), f"model {number}")
            self.names[model.digest] = str(number)
            register_version(self.server, run, self.ledger.model, model, "code-1", {}, lambda: package)
            entry = LedgerEntry(
                number=number,
                decision=Outcome.PROMOTED,
                challenger=Candidate(version=number, model=model),
                against=number - 1 or None,
                time=datetime.now(UTC),
                run="r",
            )
            self.ledger.append(entry)
        set_alias(self.server, self.ledger.model, "champion", VERSIONS)
        set_alias(self.server, self.ledger.model, "challenger", VERSIONS)

    def run(self) -> None:
        """One attempt."""
        self.world.heal()
        try:
            roll_back(MlflowServer(self.disturbed), open_artifacts(self.disturbed), self.ledger.model, "by somebody", self.to_version)
        except Unavailable as error:
            named = re.search(r"--to (\d+)", error.fix)
            if named and self.reads_errors:
                self.to_version = int(named[1])
            raise
        except BadInput as error:
            if "was rolled back already" not in error.got:
                raise

    def state(self) -> dict[str, object]:
        """The ledger, and the aliases that follow it once somebody looks: a rollback that wrote its entry is done."""
        sync_aliases(self.server, self.ledger)
        entries = [(entry.number, entry.decision.value, self.names[entry.digest]) for entry in self.ledger.newest_first(self.ledger.head())]
        return {"entries": entries, "aliases": read_aliases(self.server, self.ledger.model)}
