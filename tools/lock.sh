#!/usr/bin/env bash
# Compile the hash-pinned locks: one for the whole workspace, one per image, one for what builds the
# members' wheels, one for what the channels are compared with, one for what ingress is
# measured beside. Run by `make lock`.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/uv.sh
members=(schemas libs/* services/* cli devstack)
compile=(uv pip compile --quiet --universal --generate-hashes --python-version 3.11
         --no-emit-index-url --no-emit-find-links --no-annotate
         --custom-compile-command "make lock" "$@")
local_names=()
for member in "${members[@]}"; do
    local_names+=(--no-emit-package "$(sed -n 's/^name = "\(.*\)"/\1/p' "$member/pyproject.toml" | head -1)")
done
"${compile[@]}" "${local_names[@]}" --all-extras --group pyproject.toml:dev \
    "${members[@]/%//pyproject.toml}" -o requirements/all.txt
for member in services/* cli devstack; do
    "${compile[@]}" "${local_names[@]}" -c requirements/all.txt "$member/pyproject.toml" \
        -o "requirements/$(basename "$member").txt"
done
"${compile[@]}" -c requirements/all.txt --group pyproject.toml:build -o requirements/build.txt
"${compile[@]}" --group pyproject.toml:oracle -o requirements/oracle.txt
"${compile[@]}" -c requirements/oracle.txt --group pyproject.toml:peers -o requirements/peers.txt
