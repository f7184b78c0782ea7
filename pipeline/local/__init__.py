"""Run a line on this machine without Airflow, and start components as child processes."""
