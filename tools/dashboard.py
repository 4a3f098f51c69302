"""Write Grafana's overview dashboard, from the rows in tools/overview.

python -m tools.dashboard [FILE]
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TypeAlias

from tools.overview.queries import Panel, Query, Row
from tools.overview.services import DISPATCHER, INDEXER, INGRESS, RAG
from tools.overview.shared import CONSUMPTION, OVERVIEW, PROCESSES

Json: TypeAlias = Mapping[str, object]

TARGET = Path(__file__).parent.parent / "deploy/grafana/dashboards/recado.json"
UID = "recado-overview"
SCHEMA_VERSION = 41
"""Grafana 12's; a newer one migrates it when it is loaded."""

WIDTH = 24
"""Of Grafana's grid."""
GRAPHS_A_LINE, GRAPH_HEIGHT = 3, 8
STATS_A_LINE, STAT_HEIGHT = 6, 4

ROWS = (OVERVIEW, INGRESS, RAG, DISPATCHER, INDEXER, CONSUMPTION, PROCESSES)

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


def dashboard() -> Json:
    """The whole dashboard."""
    return {
        "uid": UID,
        "title": "Recado",
        "description": "Webhook to answer: rates, times, errors and saturation of every service.",
        "tags": ["recado"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": list(_variables())},
        "annotations": {"list": []},
        "links": [],
        "panels": list(_panels(ROWS)),
    }


def _variables() -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "refresh": 1,
    }
    yield _labels("job", "Service", "label_values(recado_build_info, job)")
    yield _labels("instance", "Process", 'label_values(recado_build_info{job=~"$job"}, instance)')


def _labels(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,  # with the time range: processes come and go
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _panels(rows: Sequence[Row]) -> Iterator[Json]:
    ids, y = count(1), 0
    for row in rows:
        yield {
            "id": next(ids),
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
            "panels": [],
        }
        y, x, line = y + 1, 0, 0
        for panel in row.panels:
            stat = panel.kind == "stat"
            width = WIDTH // (STATS_A_LINE if stat else GRAPHS_A_LINE)
            height = STAT_HEIGHT if stat else GRAPH_HEIGHT
            if x + width > WIDTH:
                y, x, line = y + line, 0, 0
            line = max(line, height)
            yield _panel(panel, next(ids), {"x": x, "y": y, "w": width, "h": height})
            x += width
        y += line


def _panel(panel: Panel, number: int, place: Json) -> Json:
    stat = panel.kind == "stat"
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    defaults: dict[str, object] = {
        "unit": panel.unit,
        "min": 0,
        "color": {"mode": "thresholds" if stat else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if not stat:
        defaults["custom"] = _lines(stacked=panel.stacked)
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _stat_options() if stat else _graph_options(),
        "targets": [
            _target(query, chr(ord("A") + index)) for index, query in enumerate(panel.queries)
        ],
    }


def _target(query: Query, ref: str) -> Json:
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "legendFormat": query.legend,
        "range": True,
        "instant": False,
    }


def _lines(*, stacked: bool) -> Json:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 20 if stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
    }


def _graph_options() -> Json:
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _stat_options() -> Json:
    return {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(
        json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
