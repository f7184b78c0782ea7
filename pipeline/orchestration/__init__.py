"""The Airflow side: it turns a recipe's line into a DAG and never learns what a tensor is.

`dag` wires, `plan` and `component` are the two kinds of operators, `launchers` start a component somewhere, `retries` reads its
exit code, `assets`, `form` and `document` are what other DAGs and people see of it, `client` speaks to a running Airflow.
Nothing is imported here: a DAG file is parsed again and again, and the command line needs `client` without Airflow.
"""
