"""The README's example on the Kafka in memory does what it says.

The first one, on a real Kafka, is run in tests/integration/lanes/test_readme.py.
"""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[3] / "libs" / "lanes" / "README.md"


def test_the_example_without_a_broker_runs_as_it_stands() -> None:
    (_, example, *_) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    result = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout) == (0, "Hola, Ana\n"), result.stderr
