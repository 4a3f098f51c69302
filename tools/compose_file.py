"""docker-compose.yml as an engine reads it, for the tools and tests that hold it to the code."""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

PATH = Path(__file__).parent.parent / "docker-compose.yml"

_VARIABLE = re.compile(
    r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\}", re.ASCII
)

Section = dict[str, object]


class MissingVariable(Exception):
    """A variable without which the file can't be used. The message is the file's own."""


def services(path: Path = PATH) -> dict[str, Section]:
    """The services by name, anchors and merges resolved, variables as they are written."""
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["services"])


def environment(service: Mapping[str, object], variables: Mapping[str, str]) -> dict[str, str]:
    """What a service of the file is given in its environment. Raises MissingVariable."""
    given = service.get("environment", {})
    if not isinstance(given, dict):
        raise TypeError("environments are written as mappings in this file")
    return {name: substitute(str(value), variables) for name, value in given.items()}


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """The text with `${NAME}`, `${NAME:-default}` and `${NAME:?message}` filled in.

    As for the engine, an empty value counts as none. Raises MissingVariable.
    """

    def fill(found: re.Match[str]) -> str:
        value = variables.get(found["name"], "")
        if value or not found["kind"]:
            return value
        if found["kind"] == ":-":
            return found["rest"]
        raise MissingVariable(f"{found['name']}: {found['rest']}")

    return _VARIABLE.sub(fill, text)
