"""What a step gets where it runs: machine sizes, container images, commands and environment variables. Imports no Airflow."""
