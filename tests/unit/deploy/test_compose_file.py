"""docker-compose.yml against its schema, and variables as the engine fills them in."""

import subprocess
import sys
from pathlib import Path

import pytest
from tools import compose_file

CHECK = Path(sys.executable).parent / "check-jsonschema"
TEXT = compose_file.PATH.read_text(encoding="utf-8")


def _accepted(path: Path) -> bool:
    done = subprocess.run(
        [CHECK, "--builtin-schema", "vendor.compose-spec", path], capture_output=True, check=False
    )
    return done.returncode == 0


def test_the_file_is_valid_against_the_compose_specification() -> None:
    assert _accepted(compose_file.PATH)


def test_a_typo_is_refused(tmp_path: Path) -> None:
    """A misspelt key is not ignored in silence: here the time to drain would be gone."""
    assert TEXT.count("stop_grace_period: 75s") == 1
    path = tmp_path / "docker-compose.yml"
    path.write_text(TEXT.replace("stop_grace_period: 75s", "stop_grace_periods: 75s"), "utf-8")
    assert not _accepted(path)


@pytest.mark.parametrize(
    ("text", "variables", "filled"),
    [
        ("a", {}, "a"),
        ("${A}", {"A": "1"}, "1"),
        ("${A}", {}, ""),
        ("x${A:-2},${B:-3}", {"B": "4"}, "x2,4"),
        ("${A:-http://h:9/p}", {"A": ""}, "http://h:9/p"),
        ("${A:?what}", {"A": "1"}, "1"),
    ],
)
def test_variables_are_filled_in(text: str, variables: dict[str, str], filled: str) -> None:
    """As the compose specification says of `${NAME}`, `:-` and `:?`."""
    assert compose_file.substitute(text, variables) == filled


def test_a_required_variable_that_is_missing_or_empty_is_named() -> None:
    for variables in ({}, {"KEY": ""}):
        with pytest.raises(compose_file.MissingVariable, match="KEY: a key of yours"):
            compose_file.substitute("${KEY:?a key of yours}", variables)
