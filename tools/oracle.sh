#!/usr/bin/env bash
# Make the virtual environment of what the channels' parsers are compared with, in .venv/oracle, from
# requirements/oracle.txt: every hash checked. Prints its Python. Does nothing where it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/uv.sh
venv=.venv/oracle
mkdir -p .venv
exec 9>.venv/oracle.lock
flock 9  # two workers of a test run may want it at once
if ! cmp -s requirements/oracle.txt "$venv/made-from.txt"; then
    uv venv --quiet --clear --python "${PYTHON:-3.11}" "$venv"
    VIRTUAL_ENV="$PWD/$venv" uv pip sync --quiet --require-hashes requirements/oracle.txt
    cp requirements/oracle.txt "$venv/made-from.txt"
fi
echo "$PWD/$venv/bin/python"
