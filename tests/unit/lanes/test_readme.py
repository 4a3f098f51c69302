"""The first example of the README does what it says."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[3] / "libs" / "lanes" / "README.md"


def test_the_first_example_runs_as_it_stands() -> None:
    (example, *_) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    result = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout) == (0, "Hola, Ana\n"), result.stderr
