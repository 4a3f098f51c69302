"""The overview dashboard names metrics that there are, and is sound in itself."""

import re
from itertools import combinations
from typing import Any

import yaml

from recado.devstack.stack.ports import Ports
from recado.servicekit import metrics
from support.dashboard import DASHBOARD, load, panels, queries

DEPLOY = DASHBOARD.parents[2]

NOT_SHOWN: dict[str, str] = {}
"""Metrics of the list that no panel shows, with the reason."""

OF_EVERY_TARGET = {"job", "instance"}
"""Labels that Prometheus gives to whatever it scrapes."""

OF_OTHERS = {
    "up",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
}
"""Kept by Prometheus and by its client library."""

LABELS = {
    metrics.name_of(family): {*metrics.labels_of(family)}
    for families in metrics.GROUPS.values()
    for family in families
}

SELECTION = re.compile(r"([a-z_]+)\{([^}]*)\}")
MATCHER = re.compile(r"([a-z_]+)\s*(?:=~|!=|=)\s*\"")
GROUPING = re.compile(r"by \(([^)]*)\)")
LEGEND = re.compile(r"\{\{(\w+)\}\}")


def family_of(series: str) -> str:
    """The metric that a series is of."""
    return series if series in LABELS else re.sub(r"_(bucket|sum|count)$", "", series)


def test_every_metric_is_in_the_list_with_the_labels_that_are_used() -> None:
    """A renamed metric or label would leave a panel empty without a word."""
    seen = 0
    for asked in queries():
        selections = SELECTION.findall(asked.expression)
        assert selections, asked
        allowed = set(OF_EVERY_TARGET)
        for series, matchers in selections:
            seen += 1
            name = family_of(series)
            assert name in LABELS or name in OF_OTHERS, f"{asked.panel}: no metric {name}"
            own = LABELS.get(name, set()) | OF_EVERY_TARGET
            assert set(MATCHER.findall(matchers)) <= own, asked
            allowed |= own | ({"le"} if series.endswith("_bucket") else set())
        grouped = {
            label.strip()
            for group in GROUPING.findall(asked.expression)
            for label in group.split(",")
            if label.strip()
        }
        assert grouped <= allowed, asked
        assert set(LEGEND.findall(asked.legend)) <= grouped, asked
    assert seen > len(LABELS)


def test_every_query_is_limited_to_what_is_chosen_above() -> None:
    """Else the choice of a service or process would not hold for that panel."""
    for asked in queries():
        for _series, matchers in SELECTION.findall(asked.expression):
            assert 'job=~"$job"' in matchers
            assert 'instance=~"$instance"' in matchers


def test_every_metric_of_the_list_is_shown_or_said_not_to_be() -> None:
    shown = {
        family_of(series)
        for asked in queries()
        for series, _ in SELECTION.findall(asked.expression)
    }
    assert set(LABELS) - shown == set(NOT_SHOWN)


def test_every_panel_says_what_to_do_and_in_what_it_counts() -> None:
    found = panels()
    assert len(found) > 30
    for panel in found:
        assert len(str(panel["description"])) > 20, panel["title"]
        config = panel["fieldConfig"]
        assert isinstance(config, dict)
        assert config["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_do_not_lie_over_one_another() -> None:
    """On Grafana's grid of 24 columns."""
    places = [panel["gridPos"] for panel in panels()]
    for place in places:
        assert isinstance(place, dict)
        assert place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        assert isinstance(one, dict)
        assert isinstance(other, dict)
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_ids_are_unique_and_the_address_stays() -> None:
    """The uid is part of links to the dashboard."""
    content = load()
    found = content["panels"]
    assert isinstance(found, list)
    assert len({panel["id"] for panel in found}) == len(found)
    assert content["uid"] == "recado-overview"


def test_prometheus_scrapes_every_service_at_its_port() -> None:
    """By the name that it has in the compose file, which is its job."""
    configuration = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))
    scraped = {
        job["job_name"]: [(one["names"], one["port"]) for one in job["dns_sd_configs"]]
        for job in configuration["scrape_configs"]
    }
    ports = Ports()
    assert scraped == {
        name: [([name], getattr(ports, name))]
        for name in ("ingress", "rag", "dispatcher", "indexer")
    }


def alerts() -> list[dict[str, Any]]:
    """The rules of deploy/prometheus/rules.yml."""
    groups = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_alerts_ask_for_metrics_and_labels_that_there_are() -> None:
    """A renamed one would silence its alert without a word."""
    assert alerts()
    for rule in alerts():
        named = set(re.findall(r"recado_[a-z_]+|\bup\b", rule["expr"]))
        assert named, rule["alert"]
        for series in named:
            assert family_of(series) in LABELS or series in OF_OTHERS, series
        for series, matchers in SELECTION.findall(rule["expr"]):
            own = LABELS.get(family_of(series), set()) | OF_EVERY_TARGET | {"le"}
            assert set(MATCHER.findall(matchers)) <= own, rule["alert"]


def test_the_bound_that_alerts_count_against_is_a_bucket() -> None:
    """Else the series would not be there, and the alert would never fire."""
    bounds = {bound for rule in alerts() for bound in re.findall(r'le="([^"]+)"', rule["expr"])}
    assert bounds
    assert bounds <= {str(float(bucket)) for bucket in metrics.SLOW}


def test_each_alert_leads_to_a_part_of_the_operators_page() -> None:
    """By the anchor that its heading has."""
    page = (DEPLOY.parent / "docs/operators.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    anchors = {"docs/operators.md#" + heading.lower().replace(" ", "-") for heading in headings}
    for rule in alerts():
        assert rule["annotations"]["runbook_url"] in anchors
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_grafana_knows_the_scrape_interval_and_where_dashboards_are() -> None:
    """A rate interval that is too short for the scrape interval gives empty graphs."""
    prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))
    folder = DEPLOY / "grafana/provisioning"
    sources = yaml.safe_load((folder / "datasources/recado.yaml").read_text("utf-8"))
    (source,) = sources["datasources"]
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
    provisioned = yaml.safe_load((folder / "dashboards/recado.yaml").read_text("utf-8"))
    (provider,) = provisioned["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
