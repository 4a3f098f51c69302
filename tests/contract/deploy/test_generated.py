"""What is generated from the list of metrics and from the panels is what they say today."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("module", "file", "target"),
    [
        ("tools.dashboard", "deploy/grafana/dashboards/recado.json", "dashboard"),
        ("tools.export_metrics", "docs/metrics.md", "docs"),
    ],
)
def test_the_file_is_not_stale(module: str, file: str, target: str, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", module, str(fresh)], cwd=ROOT, check=True)
    current = (ROOT / file).read_text(encoding="utf-8")
    assert fresh.read_text(encoding="utf-8") == current, f"run `make {target}`"
