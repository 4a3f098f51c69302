"""docs/settings.md says what the settings classes say today."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_settings_page_is_not_stale(tmp_path: Path) -> None:
    """`make docs` writes it anew."""
    fresh = tmp_path / "settings.md"
    subprocess.run([sys.executable, ROOT / "tools/export_settings.py", fresh], check=True)
    assert fresh.read_text(encoding="utf-8") == (ROOT / "docs/settings.md").read_text(
        encoding="utf-8"
    )


def test_every_setting_says_what_it_means() -> None:
    """No row of the page lacks its meaning."""
    rows = [
        line
        for line in (ROOT / "docs/settings.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `RECADO_")
    ]
    assert rows
    assert [row for row in rows if row.endswith("|  |")] == []
