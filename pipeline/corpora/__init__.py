"""Corpora as people look at them: what a corpus holds, how two differ, samples, rules about them, their page and card.

It reads the shards that `pipeline.corpus` writes, with pyarrow alone, so the command line and the scheduler need no ML library. Nothing here
decides what a corpus holds: a change in this package changes no fingerprint of a corpus.
"""

from pipeline.lookup import Table

DATA_RULES = Table(
    "rule about a corpus",
    "trainshed.data_rules",
    {
        "documents": "pipeline.corpora.rule_values:documents",
        "mean_length": "pipeline.corpora.rule_values:mean_length",
        "bytes": "pipeline.corpora.rule_values:size",
        "required": "pipeline.corpora.rule_values:required",
        "share": "pipeline.corpora.rule_values:count_share",
        "class_documents": "pipeline.corpora.rule_values:class_documents",
        "class_share": "pipeline.corpora.rule_values:class_share",
        "language": "pipeline.corpora.rule_values:language",
        "source": "pipeline.corpora.rule_values:source",
        "change": "pipeline.corpora.rule_values:change",
    },
)
"""Rule → the value that its limits are about; ``drift``, which has no limits, is beside them (`pipeline.corpora.rules`)."""
