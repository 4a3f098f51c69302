"""The overview dashboard as tests look at it: its panels and the queries in them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

DASHBOARD = Path(__file__).parents[2] / "deploy/grafana/dashboards/recado.json"

INSTALL_PROMETHEUS = "apt-get install prometheus"

Json = Mapping[str, object]


@dataclass(frozen=True)
class Asked:
    """One query of one panel."""

    panel: str
    legend: str
    expression: str

    def filled_in(self, *, window: str) -> str:
        """As Grafana sends it with every service and process chosen."""
        substituted = self.expression
        for name, value in (
            ("$__rate_interval", window),
            ("$__range", window),
            ("$instance", ".*"),
            ("$job", ".*"),
        ):
            substituted = substituted.replace(name, value)
        assert "$" not in substituted, f"a variable that nobody sets: {substituted}"
        return substituted


def load() -> dict[str, object]:
    """The whole file."""
    content: dict[str, object] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return content


def panels() -> list[Json]:
    """Its panels, rows excepted."""
    found = load()["panels"]
    assert isinstance(found, list)
    return [panel for panel in found if panel["type"] != "row"]


def queries() -> Iterator[Asked]:
    """Every query, in the order of the panels."""
    for panel in panels():
        targets = panel["targets"]
        assert isinstance(targets, list)
        for target in targets:
            yield Asked(str(panel["title"]), target["legendFormat"], target["expr"])
