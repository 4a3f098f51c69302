"""A service that is told to use what its installation lacks says so, and ends."""

import subprocess
import sys
from pathlib import Path

import pytest

HIDDEN = """
import importlib.util, runpy, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "lancedb" else found(name, *rest)
runpy.run_module(sys.argv.pop(), run_name="__main__")
"""


@pytest.mark.parametrize("service", ["rag", "indexer"])
def test_a_service_without_its_store_ends_with_one_line_and_status_78(
    service: str, tmp_path: Path
) -> None:
    """As with any wrong setting: a restart would not help."""
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN, f"recado.{service}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={"RECADO_KNOWLEDGE": "lancedb"},
    )
    assert done.returncode == 78, done.stderr
    assert done.stderr == (
        "RECADO_KNOWLEDGE=lancedb needs what is not installed:"
        " pip install 'recado-knowledge[lancedb]'\n"
    )
