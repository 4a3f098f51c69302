# Sourced: puts uv on the PATH, fetched by pip where it is missing. It gets an environment of its
# own in .cache: a system's Python may refuse packages (PEP 668), or put programs off the PATH.
if ! command -v uv >/dev/null; then
    if [ ! -x .cache/uv/bin/uv ]; then
        python3 -m venv .cache/uv
        .cache/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
    fi
    PATH="$PWD/.cache/uv/bin:$PATH"
fi
