"""Submit a recipe to a running Airflow and follow the run: a REST client that imports no Airflow."""
