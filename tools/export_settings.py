"""Write docs/settings.md: every setting of every service, from the settings classes.

python tools/export_settings.py [FILE]
"""

import sys
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from recado.cli.settings import CliSettings
from recado.dispatcher.settings import DispatcherSettings
from recado.indexer.settings import IndexerSettings
from recado.ingress.settings import IngressSettings
from recado.rag.settings import RagSettings
from recado.servicekit.settings import PREFIX, ConsumerSettings, KafkaSettings, ServiceSettings

INTRODUCTION = """\
# Settings

Everything is set by the environment; integrations (accounts and their credentials) are a YAML file,
see the README. A wrong value ends a service at its start with one line that names the key and exit
status 78. Times are ISO 8601 durations (`PT10S`, `PT15M`, `P30D`) or seconds.

This page is generated from the settings classes: `make docs`.
"""

SHARED: tuple[tuple[str, str, type[BaseSettings], type[BaseSettings] | None], ...] = (
    ("Kafka", "Every service, and the `recado` command.", KafkaSettings, None),
    ("Every service", "", ServiceSettings, KafkaSettings),
    ("Services that consume", "rag, dispatcher, indexer.", ConsumerSettings, ServiceSettings),
)
OWN: tuple[tuple[str, type[BaseSettings], type[BaseSettings]], ...] = (
    ("ingress", IngressSettings, ServiceSettings),
    ("rag", RagSettings, ConsumerSettings),
    ("dispatcher", DispatcherSettings, ConsumerSettings),
    ("indexer", IndexerSettings, ConsumerSettings),
    ("the recado command", CliSettings, KafkaSettings),
)


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, about, settings, base in SHARED:
        parts.append(_section(title, about, settings, base))
    for title, settings, base in OWN:
        parts.append(_section(title, "", settings, base))
    return "\n".join(parts)


def _section(
    title: str, about: str, settings: type[BaseSettings], base: type[BaseSettings] | None
) -> str:
    inherited = {} if base is None else base.model_fields
    lines = [f"## {title}", ""]
    if about:
        lines += [about, ""]
    lines += ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in settings.model_fields.items():
        if name in inherited and _default(inherited[name]) == _default(field):
            continue
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{PREFIX}{name.upper()}` | {_default(field)} | {meaning} |")
    return "\n".join([*lines, ""])


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "*required*"
    if value is None or value == "":
        return "*none*"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, timedelta):
        return f"`{_duration(value)}`"
    return f"`{value}`"


def _duration(value: timedelta) -> str:
    seconds = int(value / timedelta(seconds=1))
    for unit, size in (("D", 86_400), ("H", 3_600), ("M", 60)):
        if seconds >= size and seconds % size == 0:
            return f"P{seconds // size}D" if unit == "D" else f"PT{seconds // size}{unit}"
    return f"PT{value / timedelta(seconds=1):g}S"


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "docs" / "settings.md"
    (Path(sys.argv[1]) if len(sys.argv) > 1 else default).write_text(page(), encoding="utf-8")
