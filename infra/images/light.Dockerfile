# Base image of components whose contract says image="light": the libraries that they import, and the package `pipeline`.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS packages
COPY infra/images/light.txt infra/images/slim.sh /
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip install -qq --no-deps --require-hashes --no-compile --target /packages -r /light.txt \
    && sh /slim.sh /packages \
    # catalogues of translators need the names of languages, which are those of these files, and nothing of their 32 MB
    && for file in /packages/babel/locale-data/*.dat; do : > "$file"; done

FROM ${BASE_IMAGE} AS contracts
COPY components /components
RUN find /components -type f ! -name contract.py ! -name __init__.py -delete

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /scratch trainshed && install -d -o trainshed -g trainshed -m 0700 /scratch
COPY --from=packages /packages /usr/local/lib/python3.11/site-packages
WORKDIR /app
COPY pipeline /app/pipeline
# contracts of all components, without bodies: a container of Kubeflow Pipelines reads the whole line to find its step
COPY --from=contracts /components /app/components
RUN python -m compileall -qq /app
USER 10001:10001
ENV PYTHONPATH=/app TRAINSHED_HOME=/app TRAINSHED_STATE=/scratch
VOLUME /scratch /tmp
