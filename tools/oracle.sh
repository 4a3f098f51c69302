#!/usr/bin/env bash
# Make a virtual environment of what Recado is compared with, in .venv/NAME from requirements/NAME.txt,
# every hash checked: `oracle` (the default) of the channels' parsers, `peers` of ingress's benchmark.
# Prints its Python. Does nothing where it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/uv.sh
name=${1:-oracle}
venv=.venv/$name
mkdir -p .venv
exec 9>".venv/$name.lock"
flock 9  # two workers of a test run may want it at once
if ! cmp -s "requirements/$name.txt" "$venv/made-from.txt"; then
    uv venv --quiet --clear --python "${PYTHON:-3.11}" "$venv"
    VIRTUAL_ENV="$PWD/$venv" uv pip sync --quiet --require-hashes "requirements/$name.txt"
    cp "requirements/$name.txt" "$venv/made-from.txt"
fi
echo "$PWD/$venv/bin/python"
