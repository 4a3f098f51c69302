"""Compare today's events with the released ones: exit 1 on a break, naming who reads the event.

python -m tools.check_contract [FOLDER]      (default: schemas/released)
"""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from tools.export_contract import SERVICES

from recado.schemas import export
from recado.schemas.compatibility import Change, Kind, changes
from recado.schemas.json_schema import Schema
from recado.schemas.topics import ANSWERS

RESTORES = {"rag": (ANSWERS,)}
"""Read outside the consumer group: rag reads back what it answered when a partition is assigned."""


def readers() -> dict[str, set[str]]:
    """The services that read each topic, by its name."""
    services = defaultdict(set)
    for service, (reads, _) in SERVICES.items():
        for topic in (*reads, *RESTORES.get(service, ())):
            services[topic.name].add(service)
    return dict(services)


def released_schemas(folder: Path) -> dict[str, Schema]:
    """The schemas in a folder by event type name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("recado.*.json"))
    }


def current_schemas() -> dict[str, Schema]:
    """What the code says today, by event type name."""
    return {
        name.removesuffix(".json"): json.loads(content)
        for name, content in export.json_schemas().items()
    }


def check(released: Mapping[str, Schema], current: Mapping[str, Schema]) -> int:
    """Print the changes; the exit status."""
    if not released:
        print("no released schemas to compare with", file=sys.stderr)
        return 1
    found = changes(released, current, readers())
    broken = sum(change.kind is not Kind.WIDENED for change in found)
    for change in found:
        print(_line(change))
    print(f"{len(released)} released events compared: {broken} breaks")
    if broken:
        print("See docs/contributing.md, “Changing an event”.")
    return 1 if broken else 0


def _line(change: Change) -> str:
    services = ", ".join(change.readers) or "no service"
    return (
        f"{change.event} {change.place}: {change.kind}: {change.message}\n    read by: {services}"
    )


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "schemas" / "released"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    sys.exit(check(released_schemas(folder), current_schemas()))
