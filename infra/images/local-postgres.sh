#!/usr/bin/env bash
# Build a substitute for PostgreSQL's official image where no registry is reachable: Debian 12 with PostgreSQL 15, by mmdebstrap. It
# understands the options that infra/compose uses. It is for this machine only; never push it. Usage: local-postgres.sh [TAG]
set -euo pipefail
tag=${1:-trainshed/local-postgres:15}
docker=$("$(dirname "$0")/client.sh")
if [ -n "$("$docker" images -q "$tag")" ]; then
    exit 0
fi
command -v mmdebstrap >/dev/null || { echo "mmdebstrap not found; expected Debian's package of that name; fix: apt-get install mmdebstrap, or use postgres:17" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=postgresql-15 --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$work/rootfs.tar"
cat > "$work/start" <<'END'
#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -D "$PGDATA" -U postgres --auth-local=trust --auth-host=scram-sha-256 --pwfile="$POSTGRES_PASSWORD_FILE" -E UTF8 >/dev/null
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=" start >/dev/null
    for script in /docker-entrypoint-initdb.d/*.sh; do sh "$script"; done
    pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
fi
exec "$@" -D "$PGDATA" -c listen_addresses='*'
END
cat > "$work/Dockerfile" <<'END'
FROM scratch
ADD rootfs.tar /
COPY --chmod=755 start /usr/local/bin/start
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data
RUN usermod --uid 999 postgres && groupmod --gid 999 postgres && install -d -o 999 -g 999 -m 0700 /var/lib/postgresql/data && install -d -o 999 -g 999 -m 3777 /var/run/postgresql
USER 999:999
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["/usr/local/bin/start"]
CMD ["postgres"]
END
DOCKER_BUILDKIT=1 "$docker" build -q -t "$tag" "$work" >/dev/null
