#!/bin/sh
# PostgreSQL runs this once, on an empty data folder: a role and a database for Airflow, and for MLflow with its users.
set -eu
for name in airflow mlflow; do
    psql -v ON_ERROR_STOP=1 -U postgres -v name="$name" -v password="$(cat "/run/secrets/$name-database-password")" <<'END'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
END
done
psql -v ON_ERROR_STOP=1 -U postgres -c 'CREATE DATABASE mlflow_users OWNER mlflow' -c 'REVOKE ALL ON DATABASE mlflow_users FROM PUBLIC'
