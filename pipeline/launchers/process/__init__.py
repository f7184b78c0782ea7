"""Launcher process: each component runs as a child process beside Airflow's worker."""
