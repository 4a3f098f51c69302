"""Ingress's memory as a picture for the docs.

`python -m bench.ingress_memory_plot RESULT` draws it anew from a file in bench/results.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression
from typing import Final, NamedTuple

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

PLOT: Final = Path("docs/images/ingress-memory.svg")
ROOT: Final = Path(__file__).parents[1]
BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
"""Told apart by the colour-blind too (Okabe and Ito)."""


class Sample(NamedTuple):
    """Memory after so many requests, in KiB."""

    requests: int
    resident: int
    anonymous: int
    """The part of it that is no file's: what the process made itself."""


def slope(samples: Sequence[Sample]) -> float:
    """By how many KiB the resident set grows in 10,000 requests: least squares."""
    line = linear_regression([one.requests for one in samples], [one.resident for one in samples])
    return line.slope * 10_000


def draw(samples: Sequence[Sample]) -> None:
    """Write the plot."""
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
            "svg.hashsalt": "ingress-memory",
        }
    ):
        figure = Figure(figsize=(9.0, 3.6), layout="constrained")
        axes = figure.subplots()
        last = samples[len(samples) // 2 :]
        requests = [one.requests for one in samples]
        axes.plot(requests, [one.resident / 1024 for one in samples], color=BLUE, label="resident")
        axes.plot(
            requests,
            [one.anonymous / 1024 for one in samples],
            color=ORANGE,
            label="of it anonymous",
        )
        line = linear_regression([one.requests for one in last], [one.resident for one in last])
        axes.plot(
            [one.requests for one in last],
            [(line.intercept + line.slope * one.requests) / 1024 for one in last],
            "k--",
            linewidth=1,
            label=f"last half: {slope(last):+.1f} KiB for 10,000 requests",
        )
        axes.set_title("Memory of one ingress, MiB", loc="left", fontsize=10)
        axes.set_xlabel("requests answered")
        axes.xaxis.set_major_formatter(FuncFormatter(_plain))
        axes.set_xlim(0, requests[-1])
        axes.set_ylim(0, 1.25 * max(one.resident for one in samples) / 1024)
        axes.legend(frameon=False, loc="lower right")
        target = ROOT / PLOT
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, metadata={"Date": None})


def _plain(value: float, _position: int | None) -> str:
    return f"{value:,.0f}"


if __name__ == "__main__":
    draw([Sample(*one) for one in json.loads(Path(sys.argv[1]).read_text())["samples"]])
