"""The curve of lanes as a picture for the docs.

`python -m bench.lanes_curve_plot RESULT` draws it anew from a file in bench/results.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

PLOT: Final = Path("docs/images/lanes-curve.svg")
ROOT: Final = Path(__file__).parents[1]
COLOURS: Final = ("#0072b2", "#d55e00")
"""Told apart by the colour-blind too (Okabe and Ito)."""

MARKERS: Final = ("o", "s")
Step = Mapping[str, float]


def draw(steps: Sequence[Step]) -> None:
    """Write the plot of these steps."""
    series: dict[float, list[Step]] = defaultdict(list)
    for step in steps:
        series[step["record_seconds"]].append(step)
    with rc_context(
        {
            "font.family": "sans-serif",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#dddddd",
            # Text stays text, and the same figures make the same file.
            "svg.fonttype": "none",
            "svg.hashsalt": "lanes",
        }
    ):
        figure = Figure(figsize=(9.0, 6.5), layout="constrained")
        (throughput, efficiency), (cpu, memory) = figure.subplots(2, 2)
        for (took, one), colour, marker in zip(
            sorted(series.items()), COLOURS, MARKERS, strict=True
        ):
            at_once = [step["concurrency"] for step in one]
            name = f"records of {took * 1000:g} ms" if took < 1 else f"records of {took:g} s"
            bound = [step["concurrency"] / took for step in one]
            throughput.plot(at_once, bound, color=colour, linestyle="--", linewidth=1, alpha=0.7)
            for axes, figures in (
                (throughput, "records_per_second"),
                (efficiency, "efficiency"),
                (cpu, "cpu"),
                (memory, "memory"),
            ):
                values = [step[figures] for step in one]
                axes.plot(at_once, values, color=colour, marker=marker, markersize=4, label=name)
        throughput.plot([], [], "k--", linewidth=1, alpha=0.7, label="what concurrency allows")
        throughput.legend(frameon=False)
        _axes(throughput, "Throughput, records a second", log=True)
        _axes(efficiency, "Efficiency: of what concurrency allows", top=1.05)
        _axes(cpu, "CPU, µs a record", log=True)
        _axes(
            memory,
            "Peak memory of the process, MiB",
            top=1.2 * max(step["memory"] for step in steps),
        )
        target = ROOT / PLOT
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, metadata={"Date": None})


def _axes(axes: Axes, title: str, *, log: bool = False, top: float | None = None) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel("keys worked on at once")
    axes.set_xscale("log", base=2)
    axes.set_xticks([4**n for n in range(6)])
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.xaxis.set_minor_locator(NullLocator())
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(_plain))
    else:
        axes.set_ylim(0, top)


def _plain(value: float, _position: int | None) -> str:
    return f"{value:,.0f}"


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text())["steps"])
