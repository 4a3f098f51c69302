"""uv is fetched where it is missing, without touching the system's Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_uv_is_fetched_into_the_checkout_where_the_system_takes_no_packages(tmp_path: Path) -> None:
    """As on Debian: no uv on the PATH, and pip is refused outside of an environment."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/uv.sh", tmp_path / "tools/uv.sh")
    bash = shutil.which("bash")
    assert bash
    result = subprocess.run(
        [bash, "-euc", ". tools/uv.sh; uv --version; command -v uv"],
        cwd=tmp_path,
        env={**os.environ, "PATH": str(programs), "PIP_REQUIRE_VIRTUALENV": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    version, place = result.stdout.splitlines()
    assert version.startswith("uv ")
    assert place == str(tmp_path / ".cache/uv/bin/uv")
