"""What the Dockerfile must and must not do, read from its text."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [
    line
    for line in re.sub(r"^ *#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    if line.strip()
]
PROCESSES = ("ingress", "rag", "dispatcher", "indexer", "cli", "devstack")


def _all(instruction: str) -> list[str]:
    return [line for line in INSTRUCTIONS if line.split()[0] == instruction]


def _stage(name: str) -> list[str]:
    """The instructions of a stage, the FROM left out."""
    start = next(i for i, line in enumerate(INSTRUCTIONS) if line.endswith(f" AS {name}"))
    rest = INSTRUCTIONS[start + 1 :]
    end = next((i for i, line in enumerate(rest) if line.startswith("FROM ")), len(rest))
    return rest[:end]


def test_nothing_is_fetched_but_by_hash() -> None:
    """No ADD, no curl, no package manager: only uv with every hash checked, or without an index."""
    assert not _all("ADD")
    commands = " ".join(_all("RUN"))
    assert not re.search(r"\b(curl|wget|apt|apt-get|pip3?) (?!install --quiet --)", commands)
    installs = re.findall(r"uv pip install [^;]*", commands)
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)


def test_base_images_are_pinned_by_their_full_version() -> None:
    """Everything is built FROM an argument with such a default, or from a stage of this file."""
    defaults = dict(re.findall(r"^ARG ([A-Z]+)=(\S+)$", TEXT, re.MULTILINE))
    for name in ("BASE", "UV"):
        assert re.search(
            r":[0-9]+\.[0-9]+\.[0-9]+(-[a-z-]+)?(@sha256:[0-9a-f]{64})?$", defaults[name]
        )
    stages = {line.split()[-1] for line in _all("FROM")}
    for line in _all("FROM"):
        assert line.split()[1] in {"${BASE}", "${UV}", "${SERVICE}"} | stages


def test_every_image_runs_as_the_same_user_who_is_not_root() -> None:
    """By number, so that Kubernetes can see that it is not root; nothing after it changes that."""
    assert _all("USER") == ["USER 10001:10001"]
    assert "USER 10001:10001" in _stage("runtime")
    assert all(f"FROM runtime AS {process}" in INSTRUCTIONS for process in PROCESSES)
    assert _all("FROM")[-1] == "FROM ${SERVICE} AS image"


def test_what_builds_is_not_in_what_runs() -> None:
    """The stage that runs is made anew from the base and takes over finished folders only."""
    assert "FROM ${BASE} AS runtime" in INSTRUCTIONS
    copied = [line.split()[1:] for line in _stage("runtime") if line.startswith("COPY")]
    assert copied == [
        ["--from=dependencies", "/opt/venv", "/opt/venv"],
        ["deploy/docker/healthcheck.py", "/opt/healthcheck.py"],
        ["--from=members", "/opt/recado", "/opt/recado"],
    ]
    assert not [line for line in _stage("runtime") if line.startswith("RUN")]


def test_no_secret_can_stay_in_a_layer() -> None:
    """What an index may ask for is mounted for one command; nothing like it is ARG or ENV."""
    mounts = re.findall(r"--mount=type=secret,id=(\w+),target=/run/secrets/", TEXT)
    assert mounts == ["uv", "ca"]
    settings = " ".join([*_all("ARG"), *_all("ENV"), *_all("LABEL")])
    assert not re.search(r"TOKEN|PASSWORD|SECRET|KEY|INDEX|://[^ ]*@", settings)


@pytest.mark.parametrize("process", PROCESSES)
def test_each_process_gets_signals_itself(process: str) -> None:
    """No shell between the engine and Python: SIGTERM reaches what drains."""
    entrypoints = [line for line in _stage(process) if line.startswith("ENTRYPOINT")]
    assert len(entrypoints) == 1
    assert entrypoints[0].startswith('ENTRYPOINT ["python", "-m", "recado.')
    assert not _all("CMD")
    assert _all("STOPSIGNAL") == ["STOPSIGNAL SIGTERM"]


@pytest.mark.parametrize("process", PROCESSES)
def test_each_process_says_how_to_ask_for_its_health(process: str) -> None:
    """All but the command, which ends by itself."""
    checks = [line for line in _stage(process) if line.startswith("HEALTHCHECK")]
    assert len(checks) == 1
    assert (checks[0] == "HEALTHCHECK NONE") == (process == "cli")


def test_the_matrix_library_has_one_thread_where_vectors_are_made() -> None:
    for process in ("rag", "indexer"):
        assert "ENV OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1" in _stage(process)


def test_the_build_sees_only_what_it_copies() -> None:
    """.dockerignore leaves everything out, and takes back what COPY names."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    taken = {line.removeprefix("!").split("/*")[0] for line in patterns if line.startswith("!")}
    copied = {
        source.split("/")[0] if source.startswith("requirements") else source
        for line in _all("COPY")
        if "--from=" not in line
        for source in line.split()[1:-1]
    }
    assert taken == copied
