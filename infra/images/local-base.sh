#!/usr/bin/env bash
# Build a substitute for python:3.11-slim where no registry is reachable: Debian 12 with Python 3.11, by mmdebstrap. A virtual
# environment at /usr/local replaces that image's Python. Never push it: it contains this machine's list of certificate authorities.
# Usage: local-base.sh [TAG]
set -euo pipefail
tag=${1:-trainshed/local-base:3.11}
docker=$("$(dirname "$0")/client.sh")
if [ -n "$("$docker" images -q "$tag")" ]; then
    exit 0
fi
command -v mmdebstrap >/dev/null || { echo "mmdebstrap not found; expected Debian's package of that name; fix: apt-get install mmdebstrap, or give BASE_IMAGE" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3-venv --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$work/rootfs.tar"
cp /etc/ssl/certs/ca-certificates.crt "$work/"
cat > "$work/Dockerfile" <<'END'
FROM scratch
ADD rootfs.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# pip 24.2 and newer trusts the system's certificates; Debian's is older and needs an option
RUN python3 -m venv /usr/local && PIP_CERT=/etc/ssl/certs/ca-certificates.crt python -m pip install --no-cache-dir -q pip==26.1.2
CMD ["python3"]
END
DOCKER_BUILDKIT=1 "$docker" build -q --network host -t "$tag" "$work" >/dev/null
