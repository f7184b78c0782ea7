#!/usr/bin/env bash
# Print a Docker client that can build with BuildKit. From version 23 on it needs the plugin buildx; before, BuildKit is built in.
set -euo pipefail
for client in ${DOCKER:-} docker /usr/bin/docker; do
    path=$(command -v "$client") || continue
    # without an engine it fails, but prints the version of the client first
    major=$({ "$path" version --format '{{.Client.Version}}' 2>/dev/null || true; } | cut -d. -f1)
    if "$path" buildx version >/dev/null 2>&1 || [ "${major:-99}" -lt 23 ]; then
        echo "$path"
        exit 0
    fi
done
echo "no Docker client that can build; expected one with BuildKit; fix: install docker and its plugin buildx" >&2
exit 2
