#!/usr/bin/env bash
# Make .venv from requirements/all.txt: the lock first, every hash checked, then the members themselves.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/uv.sh
[ -x .venv/bin/python ] || uv venv --quiet --python "${PYTHON:-3.11}" .venv
export VIRTUAL_ENV="$PWD/.venv"
uv pip sync --quiet --require-hashes requirements/all.txt
members=()
for member in schemas libs/* services/* cli devstack; do members+=(--editable "$member"); done
uv pip install --quiet --no-deps --no-build-isolation "${members[@]}"
touch .venv/installed
