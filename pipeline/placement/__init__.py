"""Where a step runs and with what: machine sizes, container images, commands and environment variables. Imports no Airflow."""
