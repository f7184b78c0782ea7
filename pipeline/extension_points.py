"""Which package keeps the table of which extension point, by entry-point group.

Code below the ML packages needs the names in their tables: a recipe is checked before anything runs. It names a group, never a
module of a package above it.
"""

from __future__ import annotations

from pipeline.lookup import Table, load_object

TABLES = {
    "trainshed.tasks": "pipeline.tasks:TASKS",
    "trainshed.sources": "pipeline.sources:PINNERS",
    "trainshed.readers": "pipeline.corpus.readers:READERS",
    "trainshed.cleaning": "pipeline.corpus.cleaning:BLOCKS",
    "trainshed.data_rules": "pipeline.corpora:DATA_RULES",
    "trainshed.families": "pipeline.models:FAMILIES",
    "trainshed.objectives": "pipeline.training:OBJECTIVES",
    "trainshed.optimizers": "pipeline.training:OPTIMIZERS",
    "trainshed.metrics": "pipeline.metrics:METRICS",
    "trainshed.baselines": "pipeline.evaluation.baselines:BASELINES",
    "trainshed.launchers": "pipeline.launchers:LAUNCHERS",
    "trainshed.stores": "pipeline.artifacts:STORES",
    "trainshed.notifiers": "pipeline.notify:NOTIFIERS",
    "trainshed.checks": "pipeline.doctor:CHECKS",
}


def table(group: str) -> Table:
    """The table of an extension point; its package is imported, none of its entries is.

    Args:
        group: a key of `TABLES`.
    """
    found: Table = load_object(TABLES[group])
    return found
