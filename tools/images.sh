#!/usr/bin/env bash
# Build the image of every process and start each: `make images`. Arguments: those to build only.
#
# Docker or podman build it where they run. Elsewhere buildah does, without an engine, on a base made
# by debootstrap, which stands in for python:slim. RECADO_IMAGES_DIR keeps that base, buildah's storage
# and its caches (~/.cache/recado/images). The index and the certificates that uv uses on this machine
# are lent to the build; no image keeps them.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/uv.sh
services=("$@")
[ $# -gt 0 ] || services=(ingress rag dispatcher indexer cli devstack)
folder="${RECADO_IMAGES_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/recado/images}"
mkdir -p "$folder/tmp"
scratch="$(mktemp -d "$folder/tmp/build.XXXXXX")"
trap 'rm -rf "$scratch"' EXIT

lent=()
if [ -f "${SSL_CERT_FILE:-}" ]; then lent+=(--secret "id=ca,src=$SSL_CERT_FILE"); fi
configuration="${UV_CONFIG_FILE:-${XDG_CONFIG_HOME:-$HOME/.config}/uv/uv.toml}"
if [ -n "${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-}}" ]; then
    configuration="$scratch/uv.toml"
    (umask 077; printf 'index-url = "%s"\n' "${UV_DEFAULT_INDEX:-$UV_INDEX_URL}" >"$configuration")
fi
if [ -f "$configuration" ]; then lent+=(--secret "id=uv,src=$configuration"); fi

engine=""
for candidate in docker podman; do
    if [ -z "$engine" ] && "$candidate" info >/dev/null 2>&1; then engine="$candidate"; fi
done

base_by_debootstrap() {
    local container root="$scratch/root"
    echo "base image: debootstrap, about a minute and once only"
    debootstrap --variant=minbase --include=python3,ca-certificates,netbase,tzdata \
        bookworm "$root" >"$folder/debootstrap.log" 2>&1 ||
        { tail -5 "$folder/debootstrap.log" >&2; exit 1; }
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
        "$root"/usr/share/{doc,man,locale}/*
    container="$(buildah from scratch)"
    buildah add --quiet "$container" "$root" / >/dev/null
    buildah commit --quiet --rm --format docker "$container" recado-base >/dev/null
    rm -rf "$root"
}

if [ -z "$engine" ]; then
    for program in buildah debootstrap; do
        command -v "$program" >/dev/null || {
            echo "no engine answers (docker, podman), and $program is missing:" \
                "apt-get install buildah debootstrap" >&2
            exit 1
        }
    done
    [ "$(id -u)" = 0 ] || { echo "without an engine, images are built by root only" >&2; exit 1; }
    engine=buildah
    export BUILDAH_ISOLATION=chroot TMPDIR="$folder/tmp"
    exec 9>"$folder/lock" # one at a time: what an interrupted run left is cleared away
    flock 9
    buildah() {
        command buildah --root "$folder/storage" --runroot "$folder/run" \
            --storage-driver "$STORAGE_DRIVER" "$@"
    }
    if [ -z "${STORAGE_DRIVER:-}" ]; then # vfs works everywhere, but copies all of each layer
        export STORAGE_DRIVER=overlay
        probe="$(buildah from scratch 2>/dev/null)" && buildah mount "$probe" >/dev/null 2>&1 &&
            buildah rm "$probe" >/dev/null || STORAGE_DRIVER=vfs
    fi
    buildah rm --all >/dev/null
    buildah inspect --type image recado-base >/dev/null 2>&1 || base_by_debootstrap
    mkdir "$scratch/uv"
    uv_program="$(python3 -c 'import shutil; print(shutil.which("uv"))')"
    # A wrapper (pyenv's, say) is of no use elsewhere: ask uv's own package where the program is.
    if [ "$(head -c 2 "$uv_program")" = "#!" ]; then
        uv_program="$(python3 -c 'import uv; print(uv.find_uv_bin())')"
    fi
    uv_container="$(buildah from scratch)"
    buildah add --quiet "$uv_container" "$uv_program" /uv >/dev/null
    buildah commit --quiet --rm --format docker "$uv_container" recado-uv >/dev/null
fi

build() {
    local common=(-f deploy/docker/Dockerfile --build-arg "SERVICE=$1" -t "recado-$1" ${lent[@]+"${lent[@]}"}
                  --build-arg "REVISION=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)")
    case "$engine" in
        docker) DOCKER_BUILDKIT=1 docker build --quiet "${common[@]}" . ;;
        podman) podman build --quiet --format docker "${common[@]}" . ;;
        buildah)
            buildah bud --quiet --format docker --layers=false "${common[@]}" \
                --build-arg BASE=localhost/recado-base --build-arg UV=localhost/recado-uv . ;;
    esac
}

size() { # of an image, in bytes
    case "$engine" in
        buildah)
            local container mounted
            container="$(buildah from --pull-never "localhost/$1")"
            mounted="$(buildah mount "$container")"
            du --summarize --bytes "$mounted" | cut -f1
            buildah rm "$container" >/dev/null ;;
        *) "$engine" image inspect --format '{{.Size}}' "$1" ;;
    esac
}

rows=()
for service in "${services[@]}"; do
    started="$SECONDS"
    log="$folder/build-$service.log"
    build "$service" >"$log" 2>&1 || { echo "recado-$service: not built" >&2; tail -30 "$log" >&2; exit 1; }
    rows+=("$(printf '%-20s %8.1f %6d' "recado-$service" \
        "$(size "recado-$service" | awk '{print $1 / 1e6}')" "$((SECONDS - started))")")
    echo "${rows[-1]}"
done
if [ "$engine" = buildah ]; then buildah rmi --prune >/dev/null; fi
printf '\n%-20s %8s %6s\n' "image ($engine)" MB "built in s"
printf '%s\n' "${rows[@]}"
if [ "$engine" = buildah ]; then
    printf '%-20s %8.1f\n' "of that the base" "$(size recado-base | awk '{print $1 / 1e6}')"
fi
echo
[ $# -gt 0 ] || .venv/bin/python -m tools.image_answers --engine "$engine" --folder "$folder"
