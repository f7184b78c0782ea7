#!/usr/bin/env bash
# Build every image, or those named: two bases, one image per component, one for Airflow, one for S3 and MLflow.
# What has not changed is taken from cache.
#
#   BASE_IMAGE  what the bases stand on (python:3.11-slim; `local` makes a stand-in where no registry can be reached)
#   TORCH       requirement, with options of pip, that says which build of torch (torch==2.13.0)
#   DEVICE      name of that build: cpu or cuda; anything but cpu is added to the tags
#   REPOSITORY  what the names begin with (trainshed)
#   PYTHON      whose pip fetches torch, with the indexes it is configured for; it also computes the digests of code images are labelled with
#   SBOM        folder to write a bill of materials of each image to, as CycloneDX JSON (unset: none is written)
#   OPTIONS     more options of `docker build`
set -euo pipefail
cd "$(dirname "$0")/../.."
docker=$(infra/images/client.sh)
export DOCKER_BUILDKIT=1
device=${DEVICE:-cpu} torch=${TORCH:-torch==2.13.0} repository=${REPOSITORY:-trainshed} base=${BASE_IMAGE:-python:3.11-slim}
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
    # through standard input: an engine that is sent a file of the same name, length and time as the last one takes it for the same,
    # and a fresh checkout gives many files one time; evaluation was built as finetuning
    # shellcheck disable=SC2086 # OPTIONS are several words
    "$docker" build -q ${OPTIONS:-} --build-arg "CODE_VERSION=$commit" --build-arg "VERSION=$version" "$@" -f - -t "$repository/$name:$tag" . <"$file" >/dev/null
    [ -z "${SBOM:-}" ] || bill_of_materials "$name"
}

component() { # NAME BASE
    build "$1" "components/$1/Dockerfile" --build-arg "BASE_IMAGE=$repository/$2:$tag" \
        --build-arg "CODE_DIGEST=$("${PYTHON:-python3}" -m pipeline.artifacts.code_digest "$1")"
}

bill_of_materials() { # NAME
    mkdir -p "$SBOM"
    "$docker" run --rm -i --read-only --network none --entrypoint python "$repository/$1:$tag" - "$repository/$1:$tag" \
        < infra/images/sbom.py > "$SBOM/$1-$tag.json"
}

# torch is fetched by the pip that set up this checkout, so that the images hold the same build; what the requirement files pin is not kept
fetch_torch() {
    local wheels=infra/images/wheels/$device
    [ "$(cat "$wheels/.spec" 2>/dev/null)" = "$torch" ] && return
    rm -rf "$wheels"
    mkdir -p "$wheels"
    local deps=--no-deps
    [ "$device" = cpu ] || deps=
    # shellcheck disable=SC2086 # a requirement with options is several words
    "${PYTHON:-python3}" -m pip download -q $deps -d "$wheels" $torch
    for wheel in "$wheels"/*.whl; do
        local name
        name=$(basename "$wheel" | cut -d- -f1 | tr '[:upper:]_.' '[:lower:]--')
        ! grep -q "^$name==" infra/images/training.txt || rm "$wheel"
    done
    echo "$torch" > "$wheels/.spec"
}

wanted=${*:-light training ingestion tokenization pretraining finetuning evaluation registration airflow servers}
for name in $wanted; do
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
        ingestion | tokenization | registration) component "$name" light ;;
        pretraining | finetuning | evaluation) component "$name" training ;;
        *) echo "unknown image $name; expected one of: light training airflow servers, or a component; fix: correct the name" >&2; exit 2 ;;
    esac
done
