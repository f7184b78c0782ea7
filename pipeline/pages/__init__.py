"""HTML pages about models, kept in the store under ``pages/``: the page to start from, and the history of one model.

Each page is one file without outside resources. It is made again from the ledger, MLflow and the runs; it may be deleted at any time.
"""
