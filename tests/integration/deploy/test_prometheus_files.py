"""Prometheus itself reads its configuration and every query of the dashboard."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from support.dashboard import DASHBOARD, INSTALL_PROMETHEUS, queries
from support.require import require

CONFIGURATION = DASHBOARD.parents[2] / "prometheus/prometheus.yml"


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    require(shutil.which("promtool") is not None, "promtool", INSTALL_PROMETHEUS)
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def rules(file: Path, expressions: list[str]) -> Path:
    """A file of recording rules: promtool parses their expressions."""
    recorded = [
        {"record": f"query:{number}", "expr": expression}
        for number, expression in enumerate(expressions)
    ]
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    return file


def test_prometheus_takes_its_configuration() -> None:
    result = promtool("check", "config", str(CONFIGURATION))
    assert result.returncode == 0, result.stderr


def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    expressions = [asked.filled_in(window="30s") for asked in queries()]
    result = promtool("check", "rules", str(rules(tmp_path / "rules.yml", expressions)))
    assert result.returncode == 0, result.stderr
    assert f"{len(expressions)} rules found" in result.stdout


@pytest.mark.parametrize("wrong", ["sum by (job (up)", "rate(up)", "histogram_quantile(up)"])
def test_a_query_that_is_not_promql_is_found(wrong: str, tmp_path: Path) -> None:
    """So the test before this one can fail."""
    result = promtool("check", "rules", str(rules(tmp_path / "rules.yml", [wrong])))
    assert result.returncode != 0
