"""recado-lanes is a package of its own: its wheel needs nothing of Recado."""

import ast
import email
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MEMBER = ROOT / "libs" / "lanes"
README = (MEMBER / "README.md").read_text(encoding="utf-8")
EXAMPLES: list[str] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def _uv(*arguments: str | Path) -> None:
    # Where it was missing, `make install` has put it into .cache.
    subprocess.run(
        [shutil.which("uv") or ROOT / ".cache/uv/bin/uv", *arguments], check=True, cwd=ROOT
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as it would be published."""
    directory = tmp_path_factory.mktemp("wheel")
    python = ("--python", sys.executable)
    _uv("build", "-q", "--wheel", "--no-build-isolation", *python, "-o", directory, MEMBER)
    (built,) = directory.glob("*.whl")
    return built


def test_its_metadata_is_fit_for_publishing(wheel: Path) -> None:
    """What an index shows of it, and a licence that goes along."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        shown = email.message_from_string(archive.read(metadata).decode())
    assert {name.split("/")[0] for name in names} == {"recado_lanes", metadata.split("/")[0]}
    assert "recado_lanes/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert shown["License-Expression"] == "Apache-2.0"
    assert shown["Description-Content-Type"] == "text/markdown"
    assert shown.get_payload() == README
    assert shown["Summary"]
    assert "Typing :: Typed" in shown.get_all("Classifier", [])
    assert not [one for one in shown.get_all("Requires-Dist", []) if one.startswith("recado")]


@pytest.mark.long
def test_it_works_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    """Without extras the example on the Kafka in memory runs; with them all that the README
    imports is there."""
    environment = tmp_path / "venv"
    python = environment / "bin" / "python"
    locked = ("-c", ROOT / "requirements" / "all.txt")

    def install(what: str) -> None:
        _uv("pip", "install", "-q", "--python", python, *locked, what)

    def run(program: str) -> str:
        ran = subprocess.run(
            [python, "-I", "-c", program],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    _uv("venv", "-q", "--python", sys.executable, environment)
    install(str(wheel))
    assert run(EXAMPLES[1]) == "Hola, Ana\n"
    install(f"recado-lanes[faststream,tracing] @ {wheel.as_uri()}")
    imports = [
        ast.unparse(node)
        for example in EXAMPLES
        for node in ast.parse(example).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert "from recado_lanes.consume import consume" in imports
    run("\n".join(imports))
    installed = run("import importlib.metadata as m; print(*(d.name for d in m.distributions()))")
    assert [name for name in installed.split() if name.startswith("recado")] == ["recado-lanes"]
