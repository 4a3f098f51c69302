"""The words that the overview dashboard is described in: rows, panels, queries.

Every query is limited to the jobs and instances that are chosen above the dashboard. A rate is over
`$__rate_interval`, which Grafana makes long enough for the scrape interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

CHOSEN = 'job=~"$job", instance=~"$instance"'
WINDOW = "$__rate_interval"

Unit = Literal["short", "s", "ops", "reqps", "bytes", "percentunit", "none"]


@dataclass(frozen=True, slots=True)
class Query:
    """One line, or one per value of the labels that the legend names."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A graph, or one number (`stat`).

    `description` says what to do when it looks bad. `bad_from`: red from this value on.
    """

    title: str
    description: str
    unit: Unit
    queries: Sequence[Query]
    kind: Literal["timeseries", "stat"] = "timeseries"
    stacked: bool = False
    bad_from: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Panel]


def _selected(metric: str, where: str = "") -> str:
    return f"{metric}{{{where + ', ' if where else ''}{CHOSEN}}}"


def rate(metric: str, *by: str, where: str = "") -> str:
    """Events a second, summed over everything but the labels named."""
    return f"sum by ({', '.join(by)}) (rate({_selected(metric, where)}[{WINDOW}]))"


def total(metric: str, *by: str, where: str = "") -> str:
    """How many in the time that is shown."""
    grouped = f"sum by ({', '.join(by)})" if by else "sum"
    return f"{grouped} (increase({_selected(metric, where)}[$__range]))"


def level(metric: str, *by: str, where: str = "") -> str:
    """A gauge as it is, summed."""
    return f"sum by ({', '.join(by)}) ({_selected(metric, where)})"


def highest(metric: str, *by: str, where: str = "") -> str:
    """A gauge as it is, the highest of them."""
    return f"max by ({', '.join(by)}) ({_selected(metric, where)})"


def quantile(share: float, metric: str, *by: str, where: str = "") -> str:
    """The time that this share of the events stayed below."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', 'le', *by, where=where)})"


def quantiles(metric: str, *, where: str = "") -> Sequence[Query]:
    """p50, p95 and p99 of all together."""
    return tuple(
        Query(quantile(share, metric, where=where), f"p{share * 100:.0f}")
        for share in (0.5, 0.95, 0.99)
    )


def spread(metric: str, label: str) -> Sequence[Query]:
    """p50, p95 and p99 for each value of a label."""
    return tuple(
        Query(quantile(share, metric, label), f"{{{{{label}}}}} p{share * 100:.0f}")
        for share in (0.5, 0.95, 0.99)
    )


class Summing(Protocol):
    """`rate`, `total`, `level` or `highest`."""

    def __call__(self, metric: str, *by: str, where: str = "") -> str: ...


def by_label(summed: Summing, metric: str, *by: str, where: str = "") -> Query:
    """A line for each combination of the labels, which are its legend."""
    return Query(summed(metric, *by, where=where), " ".join(f"{{{{{label}}}}}" for label in by))
