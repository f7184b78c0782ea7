"""Monitoring: whether what a champion is asked still resembles what it learned from, and whether it is still fresh.

A `profile` describes the texts of a corpus by a few numbers for each text. `drift` compares a window of served texts with it, and
keeps a stated rate of false alarms. `run` adds the ages of data and champion, and whether MLflow's alias follows the ledger. It
appends one record for each look at a model to the store. Nothing here needs torch or Airflow.
"""
