"""Airflow's DAGs: they turn a recipe's line into a plan task and one task for each step.

`recipes` reads all recipes, `dag` wires one DAG, `plan_operator` is its first task, `trigger_form` and `dag_document` are what
people see in Airflow's pages, `callbacks` end the MLflow run, `preload` makes tasks start fast. Importing this package imports
nothing else, because Airflow parses DAG files again and again.
"""
