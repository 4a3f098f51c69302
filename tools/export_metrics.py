"""Write docs/metrics.md: every metric, from the one list.

python tools/export_metrics.py [FILE]
"""

import sys
from pathlib import Path

from recado.servicekit import metrics

INTRODUCTION = """\
# Metrics

What `/metrics` of each service has, besides the process's own (`process_cpu_seconds_total` and so
on). Series whose labels can be told beforehand are there from the start, at 0. Times are in
seconds; a histogram's series have `_bucket`, `_sum` and `_count` behind the name.

What to look at, and when: [operators.md](operators.md#what-to-look-at).

This page is generated from `recado.servicekit.metrics`: `make docs`.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, families in metrics.GROUPS.items():
        lines = [f"## {title}", "", "| metric | type | labels | meaning |", "|---|---|---|---|"]
        for family in families:
            (described,) = family.describe()
            labels = ", ".join(f"`{label}`" for label in metrics.labels_of(family)) or "–"
            lines.append(
                f"| `{metrics.name_of(family)}` | {described.type} | {labels} "
                f"| {described.documentation} |"
            )
        parts.append("\n".join([*lines, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "docs" / "metrics.md"
    (Path(sys.argv[1]) if len(sys.argv) > 1 else default).write_text(page(), encoding="utf-8")
