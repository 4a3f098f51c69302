"""The import rule: who may import whom, and that each member declares just what it imports."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIBS = {"recado_lanes", "recado.channels", "recado.knowledge", "recado.servicekit"}
SERVICES = {"recado.ingress", "recado.rag", "recado.dispatcher", "recado.indexer"}
MAY_IMPORT = {
    "recado.schemas": set[str](),
    **{lib: {"recado.schemas"} for lib in LIBS - {"recado_lanes"}},
    "recado_lanes": set[str](),
    **{service: LIBS | {"recado.schemas"} for service in SERVICES},
    "recado.cli": LIBS | {"recado.schemas", "recado.devstack", "recado.rag"},
    "recado.devstack": {"recado.schemas"},
}
RUN_NOT_IMPORTED = {
    # devstack starts these as programs of their own.
    "recado-devstack": {"secantusdb", "noida-db"},
    # A rebuild is a process of its own.
    "recado-cli": {"recado-dispatcher"},
    # uvicorn takes the faster parser where it is there.
    "recado-ingress": {"httptools"},
}


@dataclass(frozen=True)
class Member:
    """A member of the workspace."""

    path: Path

    @property
    def package(self) -> str:
        """Its import name."""
        (source,) = (self.path / "src").iterdir()
        return source.name if source.name != "recado" else f"recado.{next(source.iterdir()).name}"

    @cached_property
    def project(self) -> dict[str, object]:
        manifest = tomllib.loads((self.path / "pyproject.toml").read_text(encoding="utf-8"))
        project: dict[str, object] = manifest["project"]
        return project

    def modules(self) -> set[str]:
        """Everything that its files import, as far as the first name that tells."""
        return set(self._imports())

    def _imports(self) -> Iterator[str]:
        for file in (self.path / "src").rglob("*.py"):
            yield from _imported(file)

    def declared(self) -> set[str]:
        """The distributions that it depends on, extras included."""
        lists = [self.project.get("dependencies", [])]
        extras = self.project.get("optional-dependencies", {})
        assert isinstance(extras, dict)
        lists += extras.values()
        return {
            _distribution(requirement)
            for requirements in lists
            if isinstance(requirements, list)
            for requirement in requirements
        }


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            if node.module == "recado":
                yield from (f"recado.{alias.name}" for alias in node.names)


def _distribution(requirement: str) -> str:
    for stop in "[<>=!~; ":
        requirement = requirement.split(stop)[0]
    return requirement.lower().replace("_", "-")


MEMBERS = [
    Member(manifest.parent)
    for pattern in ("schemas", "libs/*", "services/*", "cli", "devstack")
    for manifest in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))
]


def _ours(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] == "recado_lanes":
        return "recado_lanes"
    return ".".join(parts[:2]) if parts[0] == "recado" and len(parts) > 1 else None


def test_every_member_is_known_to_the_rule() -> None:
    assert {member.package for member in MEMBERS} == MAY_IMPORT.keys()


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.package)
def test_a_member_imports_only_what_stands_below_it(member: Member) -> None:
    ours = {name for module in member.modules() if (name := _ours(module))}
    assert ours - {member.package} <= MAY_IMPORT[member.package]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.package)
def test_a_member_declares_just_what_it_imports(member: Member) -> None:
    distributions = packages_distributions()
    imported = set()
    for module in member.modules():
        if ours := _ours(module):
            if ours != member.package:
                imported.add(ours.replace(".", "-").replace("_", "-"))
            continue
        top = module.split(".")[0]
        if top not in sys.stdlib_module_names and top != "recado":
            candidates = {_distribution(name) for name in distributions.get(top, [top])}
            # A namespace such as `google` belongs to many: the declared one is meant.
            imported |= (candidates & member.declared()) or candidates
    name = str(member.project["name"])
    assert imported - member.declared() == set(), "imported and not declared"
    unused = member.declared() - imported - RUN_NOT_IMPORTED.get(name, set())
    assert unused == set(), "declared and not imported"


def test_the_command_knows_rag_only_where_it_replays_and_only_when_it_does() -> None:
    """No other module imports it, and none of what is loaded for every command."""
    source = ROOT / "cli" / "src" / "recado" / "cli"
    knowing = {
        file.relative_to(source)
        for file in source.rglob("*.py")
        if "recado.rag" in {_ours(one) for one in _imported(file)}
    }
    assert knowing
    assert {file.parts[0] for file in knowing} == {"replay"}
    script = (
        "import sys, recado.cli.commands; "
        "print(*(one for one in sys.modules if one.startswith('recado.rag')))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ran.stdout.strip() == b""
