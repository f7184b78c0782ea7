#!/usr/bin/env bash
# Generate the keys and passwords of compose.yaml in a folder; existing files are kept. Usage: secrets.sh [FOLDER]
# Only its owner can enter the folder. The files in it are readable by everyone, because Compose mounts them with their modes and the
# containers run as other users.
set -euo pipefail
umask 077
folder=${1:-$(cd "$(dirname "$0")" && pwd)/secrets}
mkdir -p "$folder"
chmod 0700 "$folder"
cd "$folder"

keep() { # NAME, content on standard input
    if [ -s "$1" ]; then cat > /dev/null; else cat > "$1.new" && chmod 0444 "$1.new" && mv "$1.new" "$1"; fi
}
draw() { # BYTES
    head -c "$1" /dev/urandom | base64 -w 0 | tr '+/' '-_' | tr -d '='
}

for name in postgres-password airflow-database-password mlflow-database-password airflow-session-key mlflow-session-key \
    mlflow-password s3-secret-key; do
    draw 33 | keep "$name"
done
# tokens are signed with SHA-512, whose key must have 64 bytes or more
draw 66 | keep airflow-jwt-key
draw 15 | tr -d -- '-_' | tr '[:lower:]' '[:upper:]' | keep s3-access-key
head -c 32 /dev/urandom | base64 -w 0 | tr '+/' '-_' | keep airflow-fernet-key
printf '{"admin": "%s"}\n' "$(draw 18)" | keep airflow-passwords.json
printf 'postgresql+psycopg2://airflow:%s@postgres/airflow' "$(cat airflow-database-password)" | keep airflow-database
printf 'postgresql+psycopg2://mlflow:%s@postgres/mlflow' "$(cat mlflow-database-password)" | keep mlflow-database
keep mlflow-auth.ini <<END
[mlflow]
default_permission = NO_PERMISSIONS
database_uri = postgresql+psycopg2://mlflow:$(cat mlflow-database-password)@postgres/mlflow_users
END
echo "secrets are in $folder"
