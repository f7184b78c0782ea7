# shellcheck shell=sh
# Settings of `trainshed` for the servers of compose.yaml on this machine: `. infra/compose/workstation.sh`, from the checkout.
# SECRETS is the folder that secrets.sh wrote.
if ! [ -r "${SECRETS:-infra/compose/secrets}/s3-access-key" ]; then
    echo "no keys in ${SECRETS:-infra/compose/secrets}; expected those of infra/compose/secrets.sh; fix: run it, or source this file from the checkout" >&2
    return 2
fi
from_secret() { cat "${SECRETS:-infra/compose/secrets}/$1"; }

set -a
TRAINSHED_USE_EXISTING=s3,mlflow,airflow
TRAINSHED_STORE=s3://pipeline
TRAINSHED_S3_ENDPOINT=http://127.0.0.1:${S3_PORT:-8333}
TRAINSHED_S3_ACCESS_KEY=$(from_secret s3-access-key)
TRAINSHED_S3_SECRET_KEY=$(from_secret s3-secret-key)
TRAINSHED_MLFLOW_URI=http://127.0.0.1:${MLFLOW_PORT:-5000}
TRAINSHED_MLFLOW_USERNAME=admin
TRAINSHED_MLFLOW_PASSWORD=$(from_secret mlflow-password)
TRAINSHED_AIRFLOW_URL=http://127.0.0.1:${AIRFLOW_PORT:-8080}
TRAINSHED_AIRFLOW_USERNAME=admin
TRAINSHED_AIRFLOW_PASSWORD=$(from_secret airflow-passwords.json | sed 's/.*"admin": "\([^"]*\)".*/\1/')
TRAINSHED_LAUNCHER=docker
TRAINSHED_IMAGES="${IMAGE_REPOSITORY:-trainshed}/{stage}:{version}${IMAGE_SUFFIX:-}"
TRAINSHED_DOCKER_NETWORK=${COMPOSE_PROJECT_NAME:-trainshed}
TRAINSHED_CONTAINER_S3_ENDPOINT=http://s3:8333
TRAINSHED_CONTAINER_MLFLOW_URI=http://mlflow:5000
set +a
unset -f from_secret
