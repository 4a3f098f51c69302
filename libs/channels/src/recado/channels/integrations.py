"""The configured accounts: one YAML file with `${ENV}` references.

```yaml
integrations:
  - name: whatsapp-main
    platform: whatsapp
    phone_number_id: "100000000000001"
    access_token: ${WHATSAPP_ACCESS_TOKEN}
    app_secret: ${WHATSAPP_APP_SECRET}
    verify_token: ${WHATSAPP_VERIFY_TOKEN}
```

Every value is taken as it is written (a number with leading zeros keeps them) and then typed by the
platform's model. References are put in after the file is read, so a secret can hold any character.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml
from pydantic import JsonValue, ValidationError

from recado.channels.contract import Integration
from recado.channels.errors import InvalidIntegrations
from recado.channels.registry import CHANNELS

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NULL = "tag:yaml.org,2002:null"

_Place = tuple[str | int, ...]


class Integrations:
    """The configured accounts. A disabled one is not found, as if it were not there."""

    def __init__(self, integrations: Iterable[Integration]) -> None:
        self._all = tuple(integrations)
        problems = tuple(_clashes(self._all))
        if problems:
            raise InvalidIntegrations(problems)

    def __iter__(self) -> Iterator[Integration]:
        """All of them, the disabled ones too, in the file's order."""
        return iter(self._all)

    def of(self, platform: str) -> tuple[Integration, ...]:
        """The enabled ones of a platform."""
        return tuple(one for one in self._all if one.platform == platform and one.enabled)

    def named(self, platform: str, name: str) -> Integration | None:
        """The enabled one of that name, or None."""
        return next((one for one in self.of(platform) if one.name == name), None)


def load_integrations(path: Path, environ: Mapping[str, str]) -> Integrations:
    """Read and check the file.

    Raises `InvalidIntegrations` with every problem found, each with file, line and key. No problem
    quotes a value.
    """
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise InvalidIntegrations((unreadable(path, failure),)) from None
    return parse_integrations(content, path.name, environ)


def unreadable(path: Path, failure: OSError) -> str:
    """The problem of a file that is not there, or not for us."""
    return f"{path.name}: can't be read: {failure.strerror}"


def parse_integrations(content: bytes, file: str, environ: Mapping[str, str]) -> Integrations:
    """Check the content of a file of that name, as `load_integrations` does."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise InvalidIntegrations((f"{file}: can't be read: not UTF-8",)) from None
    reader = _Reader(file, environ)
    entries = reader.read(text)
    integrations = [one for entry in enumerate(entries) if (one := reader.typed(*entry))]
    if reader.problems:
        raise InvalidIntegrations(tuple(reader.problems))
    try:
        return Integrations(integrations)
    except InvalidIntegrations as clash:
        raise InvalidIntegrations(tuple(f"{file}: {one}" for one in clash.problems)) from None


class _Reader:
    """One reading of one file: collects problems, remembers on which line each key is."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._file = file
        self._environ = environ
        self._lines: dict[_Place, int] = {}

    def read(self, text: str) -> list[JsonValue]:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as invalid:
            # Only the fault and its line: the library's own message quotes the line.
            mark = invalid.problem_mark
            line = 0 if mark is None else mark.line
            self.problems.append(f"{self._file}:{line + 1}: not YAML: {invalid.problem}")
            return []
        except yaml.YAMLError:
            self.problems.append(f"{self._file}: not YAML")
            return []
        document = None if root is None else self._value(root, ())
        entries = document.get("integrations") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            if not self.problems:
                self._problem((), "must be a mapping with a list `integrations`")
            return []
        if isinstance(document, dict):
            for key in document.keys() - {"integrations"}:
                self._problem((key,), "is not a key of this file")
        return entries

    def typed(self, position: int, entry: JsonValue) -> Integration | None:
        place: _Place = ("integrations", position)
        if not isinstance(entry, dict):
            self._problem(place, "must be a mapping")
            return None
        platform = entry.get("platform")
        if not isinstance(platform, str) or platform not in CHANNELS:
            self._problem((*place, "platform"), f"must be one of {', '.join(CHANNELS)}")
            return None
        model = CHANNELS[platform].integration_type
        try:
            return model.model_validate(entry)
        except ValidationError as invalid:
            for error in invalid.errors(include_input=False, include_url=False):
                self._problem((*place, *error["loc"]), error["msg"].removeprefix("Value error, "))
            return None

    def _value(self, node: yaml.Node, place: _Place) -> JsonValue:
        self._lines[place] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(child, (*place, index)) for index, child in enumerate(node.value)]
        if node.tag == _NULL:
            return None
        return self._resolved(str(node.value), place)

    def _mapping(self, node: yaml.MappingNode, place: _Place) -> dict[str, JsonValue]:
        values: dict[str, JsonValue] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in values:
                self._lines[(*place, key)] = key_node.start_mark.line + 1
                self._problem((*place, key), "is there twice")
            values[key] = self._value(value_node, (*place, key))
        return values

    def _resolved(self, text: str, place: _Place) -> str:
        def put_in(reference: re.Match[str]) -> str:
            name = reference[1]
            if name not in self._environ:
                self._problem(place, f"the environment has no {name}")
                return reference[0]
            # A mounted secret often ends in a line break that is no part of it.
            return self._environ[name].rstrip("\r\n")

        return _REFERENCE.sub(put_in, text)

    def _problem(self, place: _Place, fault: str) -> None:
        known = next(
            (place[:end] for end in range(len(place), -1, -1) if place[:end] in self._lines), ()
        )
        line = self._lines.get(known, 1)
        self.problems.append(f"{self._file}:{line}: {_key(place)}: {fault}")


def _key(place: _Place) -> str:
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return written.lstrip(".") or "the file"


def _clashes(integrations: tuple[Integration, ...]) -> Iterator[str]:
    """Names, and what chooses an integration where the path names none, must be unique."""
    names: set[tuple[str, str]] = set()
    chosen_by: dict[tuple[str, str], str] = {}
    for one in integrations:
        if (one.platform, one.name) in names:
            yield f"{one.name}: another {one.platform} integration has this name"
        names.add((one.platform, one.name))
        for key, value in one.distinguishing() if one.enabled else ():
            other = chosen_by.setdefault((one.platform, f"{key}={value}"), one.name)
            if other != one.name:
                yield f"{one.name}.{key}: is the same as that of {other}"
