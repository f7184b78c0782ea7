#!/usr/bin/env bash
# Build all images, or those named on the command line: two base images, one or two images for each component, one for Airflow, one for
# S3 and MLflow. Docker's cache keeps what has not changed.
#
#   BASE_IMAGE  image below the base images (python:3.11-slim; `local` builds a substitute without a registry)
#   TORCH       pip requirement, with options, that selects the build of torch (torch==2.13.0)
#   DEVICE      name of that build: cpu or cuda; any name but cpu is added to the tags
#   REPOSITORY  prefix of the image names (trainshed)
#   PYTHON      Python 3.11 with this project's libraries; names the components, computes the code digest of each, and fetches torch
#   SBOM        folder for a bill of materials of each image, as CycloneDX JSON (unset: none is written)
#   OPTIONS     more options of `docker build`
set -euo pipefail
cd "$(dirname "$0")/../.."
docker=$(infra/images/client.sh)
export DOCKER_BUILDKIT=1
device=${DEVICE:-cpu} torch=${TORCH:-torch==2.13.0} repository=${REPOSITORY:-trainshed} base=${BASE_IMAGE:-python:3.11-slim}
python=${PYTHON:-python3}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
tag=$version$([ "$device" = cpu ] || echo "-$device")
commit=$(git rev-parse HEAD 2>/dev/null || echo "trainshed $version")
[ -z "$(git status --porcelain --untracked-files=no 2>/dev/null)" ] || commit=$commit+dirty
if [ "$base" = local ]; then
    base=trainshed/local-base:3.11
    infra/images/local-base.sh "$base"
fi

build() { # NAME FILE [OPTION...]
    local name=$1 file=$2
    shift 2
    echo "building $repository/$name:$tag"
    # the Dockerfile goes through standard input: BuildKit takes a file with the name, length and time of the last one for the same file
    # shellcheck disable=SC2086 # OPTIONS are several words
    "$docker" build -q ${OPTIONS:-} --build-arg "CODE_VERSION=$commit" --build-arg "VERSION=$version" "$@" -f - -t "$repository/$name:$tag" . <"$file" >/dev/null
    [ -z "${SBOM:-}" ] || bill_of_materials "$name"
}

component() { # NAME STAGE BASE
    build "$1" infra/images/component.Dockerfile --build-arg "BASE_IMAGE=$repository/$3:$tag" --build-arg "STAGE=$2" \
        --build-arg "CODE_DIGEST=$("$python" -m pipeline.artifacts.code_digest "$2")"
}

bill_of_materials() { # NAME
    mkdir -p "$SBOM"
    "$docker" run --rm -i --read-only --network none --entrypoint python "$repository/$1:$tag" - "$repository/$1:$tag" \
        < infra/images/sbom.py > "$SBOM/$1-$tag.json"
}

# pip of this checkout fetches torch, so that the images hold the same build; wheels that training.txt pins are removed again
fetch_torch() {
    local wheels=infra/images/wheels/$device
    [ "$(cat "$wheels/.spec" 2>/dev/null)" = "$torch" ] && return
    rm -rf "$wheels"
    mkdir -p "$wheels"
    local deps=--no-deps
    [ "$device" = cpu ] || deps=
    # shellcheck disable=SC2086 # a requirement with options is several words
    "$python" -m pip download -q $deps -d "$wheels" $torch
    for wheel in "$wheels"/*.whl; do
        local name
        name=$(basename "$wheel" | cut -d- -f1 | tr '[:upper:]_.' '[:lower:]--')
        ! grep -q "^$name==" infra/images/training.txt || rm "$wheel"
    done
    echo "$torch" > "$wheels/.spec"
}

declare -A stages bases # component and base image by image, from the contracts
components=()
while read -r name stage base_name; do
    stages[$name]=$stage
    bases[$name]=$base_name
    components+=("$name")
done < <("$python" -m pipeline.generate.component_images)
[ ${#components[@]} -gt 0 ] || { echo "$python cannot list the components; fix: set PYTHON to .venv/bin/python" >&2; exit 2; }

[ $# -gt 0 ] || set -- light training "${components[@]}" airflow servers
for name in "$@"; do
    case $name in
        light) build light infra/images/light.Dockerfile --build-arg "BASE_IMAGE=$base" ;;
        training)
            fetch_torch
            build training infra/images/training.Dockerfile --build-arg "BASE_IMAGE=$base" --build-arg "DEVICE=$device"
            ;;
        airflow)
            build airflow infra/images/airflow.Dockerfile --build-arg "BASE_IMAGE=$base" \
                --build-arg "LIGHT_IMAGE=$repository/light:$tag" --build-arg "TRAINING_IMAGE=$repository/training:$tag"
            ;;
        servers) build servers infra/images/servers.Dockerfile --build-arg "BASE_IMAGE=$base" ;;
        *)
            [ -n "${bases[$name]:-}" ] || { echo "unknown image $name; fix: name some of: light training ${components[*]} airflow servers" >&2; exit 2; }
            component "$name" "${stages[$name]}" "${bases[$name]}"
            ;;
    esac
done
