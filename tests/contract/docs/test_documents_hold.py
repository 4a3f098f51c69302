"""What the documents name is there: metrics, settings, commands, members, files."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from typer.main import get_command

import recado.servicekit.metrics
from recado.cli.commands import app

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SET_BY_THE_STACK_ONLY = {"RECADO_CACHE"}


def found(pattern: str) -> Iterator[tuple[str, str]]:
    """Each match, with the page that it is on."""
    for page in PAGES:
        for match in re.findall(pattern, page.read_text(encoding="utf-8")):
            yield match, page.name


def test_every_metric_that_a_page_names_is_kept() -> None:
    """With the suffix that Prometheus shows it with."""
    assert recado.servicekit.metrics.__name__
    kept = {sample.name for family in REGISTRY.collect() for sample in family.samples}
    kept |= {family.name for family in REGISTRY.collect()}
    kept |= {f"{family.name}_total" for family in REGISTRY.collect() if family.type == "counter"}
    named = set(found(r"`[… ]*(recado_[a-z_]+)[`{]")) - set(found(r"(recado_lanes)"))
    assert named
    assert [one for one in sorted(named) if one[0] not in kept] == []


def test_every_setting_that_a_page_names_exists() -> None:
    known = set(
        re.findall(r"^\| `(RECADO_[A-Z_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    )
    named = set(found(r"\b(RECADO_[A-Z_]*[A-Z])\b"))
    assert [one for one in sorted(named) if one[0] not in known | SET_BY_THE_STACK_ONLY] == []


def test_every_command_that_a_page_names_exists() -> None:
    command = get_command(app)
    commands = getattr(command, "commands", {})
    named = set(found(r"`(?:\.venv/bin/)?recado ([a-z][a-z-]*)"))
    assert len(named) > 10
    assert [one for one in sorted(named) if one[0] not in commands] == []


def test_every_target_of_make_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(found(r"(?:`|^)make ([a-z-]+)"))
    assert [one for one in sorted(named) if one[0] not in targets] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_members_that_operators_install_for_rag_are_those_it_stands_on() -> None:
    """The line in operators.md, after the lock."""
    (line,) = re.findall(
        r"uv pip install --no-deps (.*)", (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    )
    folders = {}
    for manifest in [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("*/*/pyproject.toml")]:
        project = tomllib.loads(manifest.read_text(encoding="utf-8"))["project"]
        needed = {requirement.split("[")[0] for requirement in project["dependencies"]}
        folders[project["name"]] = (f"./{manifest.parent.relative_to(ROOT)}", needed)
    todo, wanted = ["recado-rag"], set[str]()
    while todo:
        folder, needed = folders[todo.pop()]
        wanted.add(folder)
        todo += [one for one in needed if one in folders and folders[one][0] not in wanted]
    assert set(line.split()) == wanted
