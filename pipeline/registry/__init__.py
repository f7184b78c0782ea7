"""Model versions, the promotion ledger, the gate and rollback: how a model becomes champion, and how that is recorded.

Three pieces are kept apart on purpose. The *gate* is arithmetic: scores in, decision out. The *ledger* is the truth: an
append-only list of decisions in object storage. *Versions* and *aliases* are what MLflow shows of it, and are repaired from
the ledger whenever they disagree. Nothing here needs torch or MLflow's own client.

When a challenger beats the champion: `gate` compares the scores, `promotion` appends the decision to the `ledger`, `aliases`
moves MLflow's alias ``champion`` to the new version. `rollback` undoes that; `registration_status` asks later whether it holds.
"""
