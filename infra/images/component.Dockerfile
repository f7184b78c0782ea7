# An image of one component: a base image and its folder. build.sh passes a base that its contract names, and its name.
ARG BASE_IMAGE=trainshed/light:0.1.0
FROM ${BASE_IMAGE}
ARG STAGE=ingestion
COPY components/__init__.py /app/components/
COPY components/${STAGE} /app/components/${STAGE}
ARG VERSION=unknown
ARG CODE_VERSION=unknown
ARG CODE_DIGEST=
# TRAINSHED_STAGE is for the entry point alone: an exec form takes no build argument
ENV TRAINSHED_CODE_VERSION=${CODE_VERSION} \
    TRAINSHED_STAGE=${STAGE}
LABEL org.opencontainers.image.title="trainshed ${STAGE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${CODE_VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      trainshed.code="${CODE_DIGEST}"
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"components.$TRAINSHED_STAGE\" \"$@\"", "component"]
