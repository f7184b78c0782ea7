#!/usr/bin/env bash
# Pin what an image needs in addition to its part of requirements.lock. NAME.in, resolved against the lock, becomes NAME.txt, without
# the packages of ../NAME.txt and without those that NAME.in excludes. A laptop needs none of it, so it is not in the lock.
# Usage: pin.sh COMPILE NAME..., by `make extras`.
set -euo pipefail
cd "$(dirname "$0")/../../.."
compile=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -nE 's/^([A-Za-z0-9._-]+==[^ ]+).*/\1/p' requirements.lock > "$work/constraints.txt"
for name in "${@:2}"; do
    "$compile" -q --generate-hashes --allow-unsafe --unsafe-package torch --no-annotate --no-header --no-emit-index-url \
        --no-emit-find-links --strip-extras -c "$work/constraints.txt" -o "$work/$name.txt" "infra/images/extras/$name.in"
    {
        echo "# Generated from $name.in and requirements.lock by \`make extras\`."
        awk -v without=" $(sed -n 's/^# without: //p' "infra/images/extras/$name.in") " '
            NR == FNR { if (match($0, /^[A-Za-z0-9._-]+==/)) held[substr($0, 1, RLENGTH)] = 1; next }
            /^[A-Za-z0-9._-]+==/ { match($0, /^[A-Za-z0-9._-]+==/)
                keep = !(substr($0, 1, RLENGTH) in held) && !index(without, " " substr($0, 1, RLENGTH - 2) " ") }
            /^#/ { keep = 0 }
            keep' "infra/images/$name.txt" "$work/$name.txt"
    } > "infra/images/extras/$name.txt"
done
