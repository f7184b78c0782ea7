"""Model versions, the promotion ledger, the gate and rollback: how a model comes into service, and how that is remembered.

Three pieces that are kept apart on purpose. The *gate* is arithmetic: scores in, decision out. The *ledger* is the truth: an
append-only list of decisions in object storage. *Versions* and *aliases* are what MLflow shows of it, and are repaired from
the ledger whenever they disagree. Nothing here needs torch or MLflow's own client.
"""
