"""Launcher ``process``: each component runs as a child process of Airflow's worker."""
