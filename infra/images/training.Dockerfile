# Base image of components whose contract says image="training", or says so of an option: the libraries that they import, with torch, and
# the package `pipeline`.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS packages
COPY infra/images/training.txt infra/images/slim.sh /
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip install -qq --no-deps --require-hashes --no-compile --target /packages -r /training.txt \
    && sh /slim.sh /packages \
    # as in light.Dockerfile: names of languages need these files, and nothing in them
    && for file in /packages/babel/locale-data/*.dat; do : > "$file"; done

FROM ${BASE_IMAGE} AS torch
# which build of torch: a folder in infra/images/wheels that `make images` fills
ARG DEVICE=cpu
COPY infra/images/slim.sh /
RUN --mount=type=bind,source=infra/images/wheels,target=/wheels \
    python -m pip install -qq --no-cache-dir --no-deps --no-index --no-compile --target /packages /wheels/${DEVICE}/*.whl \
    && sh /slim.sh /packages

FROM ${BASE_IMAGE} AS contracts
COPY components /components
RUN find /components -type f ! -name contract.py ! -name __init__.py -delete

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /scratch trainshed && install -d -o trainshed -g trainshed -m 0700 /scratch
COPY --from=torch /packages /usr/local/lib/python3.11/site-packages
COPY --from=packages /packages /usr/local/lib/python3.11/site-packages
WORKDIR /app
COPY pipeline /app/pipeline
# contracts of all components, without bodies: a container of Kubeflow Pipelines reads the whole line to find its step
COPY --from=contracts /components /app/components
RUN python -m compileall -qq /app
USER 10001:10001
ENV PYTHONPATH=/app TRAINSHED_HOME=/app TRAINSHED_STATE=/scratch
VOLUME /scratch /tmp
