#!/bin/bash
# The S3 server of Docker Compose and Kubernetes. SeaweedFS listens on the container's loopback, which no other container reaches, and a
# proxy opens its gateway. If one of the two ends, both end, and the container is restarted.
set -u
trap 'kill $(jobs -p) 2>/dev/null; wait; exit 0' TERM INT
weed -logtostderr=true mini -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 -webdav=false -admin.ui=false -s3.port=8334 -s3.port.iceberg=0 \
    -s3.port.lance=0 -s3.autoCreateBucket=false -master.telemetry=false -idleTimeout=2 "-bucket=${BUCKETS:-pipeline,mlflow,airflow-logs}" &
python /usr/local/lib/forward.py 8333 8334 &
wait -n
kill $(jobs -p) 2>/dev/null
wait
exit 1
