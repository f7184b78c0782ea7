#!/bin/sh
# Run a command with secrets from files: FROM_FILE_NAME=/run/secrets/x becomes NAME with the content of the file.
set -eu
for name in $(env | sed -n 's/^FROM_FILE_\([A-Z0-9_]*\)=.*/\1/p'); do
    file=$(printenv "FROM_FILE_$name")
    [ -r "$file" ] || { echo "FROM_FILE_$name = $file cannot be read; expected a file with $name; fix: mount it" >&2; exit 2; }
    export "$name=$(cat "$file")"
    unset "FROM_FILE_$name"
done
exec "$@"
