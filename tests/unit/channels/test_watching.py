"""The integrations file read again: what is told, and when. Files are in a folder of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from recado.channels.errors import InvalidIntegrations
from recado.channels.watching import IntegrationsFile, Version

QUICK = timedelta(milliseconds=5)


def content(*names: str) -> str:
    entries = "".join(
        f"\n  - {{name: {name}, platform: telegram, bot_token: '1:a', secret_token: {name}}}"
        for name in names
    )
    return f"integrations:{entries or ' []'}\n"


def names(version: Version) -> list[str] | None:
    return None if version.integrations is None else [one.name for one in version.integrations]


def write(path: Path, text: str) -> None:
    path.write_text(text)


def remove(path: Path) -> None:
    path.unlink()


class Told:
    """Every version that was told."""

    def __init__(self, file: IntegrationsFile) -> None:
        self.versions: asyncio.Queue[Version] = asyncio.Queue()
        self._file = file

    async def follow(self) -> None:
        async for version in self._file.versions():
            self.versions.put_nowait(version)

    async def next(self) -> Version:
        async with asyncio.timeout(20):
            return await self.versions.get()

    async def nothing(self, readings: int = 10) -> None:
        await asyncio.sleep(readings * QUICK.total_seconds())
        assert self.versions.empty()


@asynccontextmanager
async def following(path: Path) -> AsyncIterator[Told]:
    file = IntegrationsFile(path, {"HERE": "here"}, interval=QUICK)
    file.load()
    told = Told(file)
    task = asyncio.create_task(told.follow())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "integrations.yaml"
    path.write_text(content("a"))
    return path


async def test_a_file_written_in_place_is_told(path: Path) -> None:
    async with following(path) as told:
        write(path, content("a", "b"))
        assert names(await told.next()) == ["a", "b"]


async def test_a_file_renamed_over_it_is_told(path: Path) -> None:
    async with following(path) as told:
        other = path.with_name("new")
        write(other, content("c"))
        other.rename(path)
        assert names(await told.next()) == ["c"]


async def test_a_link_that_is_turned_as_kubernetes_does_is_told(tmp_path: Path) -> None:
    """`integrations.yaml` → `..data/integrations.yaml`, `..data` → a folder for each version."""
    for version, name in (("..2026_1", "a"), ("..2026_2", "b")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "integrations.yaml").write_text(content(name))
    (tmp_path / "..data").symlink_to("..2026_1")
    path = tmp_path / "integrations.yaml"
    path.symlink_to("..data/integrations.yaml")
    async with following(path) as told:
        (tmp_path / "..data_tmp").symlink_to("..2026_2")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        remove(tmp_path / "..2026_1" / "integrations.yaml")
        (tmp_path / "..2026_1").rmdir()
        assert names(await told.next()) == ["b"]


async def test_the_same_content_is_not_told_again(path: Path) -> None:
    async with following(path) as told:
        write(path, content("a"))
        await told.nothing()


async def test_what_is_being_written_is_not_told(path: Path) -> None:
    """It is valid at every line, and each time it lacks the accounts that are still to come."""
    file = IntegrationsFile(path, {}, interval=QUICK)
    file.load()
    readings = iter([content("a"), *(content(*"abcdef"[:end]) for end in (1, 2, 3, 6, 6, 6))])
    file._read = lambda: next(readings).encode()  # type: ignore[method-assign]  # at its own pace

    first = await anext(aiter(file.versions()))

    assert names(first) == list("abcdef")


async def test_a_bad_version_is_told_with_its_problems_and_then_the_good_one(path: Path) -> None:
    async with following(path) as told:
        write(path, content("a").replace("bot_token: '1:a'", "bot_token: top-secret"))
        bad = await told.next()
        assert names(bad) is None
        (problem,) = bad.problems
        assert problem.startswith("integrations.yaml:2: integrations[0].bot_token: must be a bot")
        assert "top-secret" not in problem

        write(path, content("a"))
        assert names(await told.next()) == ["a"]


async def test_a_file_that_is_gone_is_a_bad_version(path: Path) -> None:
    async with following(path) as told:
        remove(path)
        gone = await told.next()
        assert gone.integrations is None
        assert "can't be read" in gone.problems[0]

        write(path, content("a"))
        assert names(await told.next()) == ["a"]


async def test_references_are_looked_up_in_the_environment_of_the_process(path: Path) -> None:
    async with following(path) as told:
        write(path, content("a").replace("{name: a", "{name: '${HERE}'"))
        assert names(await told.next()) == ["here"]
        write(path, content("a").replace("{name: a", "{name: '${GONE}'"))
        assert "the environment has no GONE" in (await told.next()).problems[0]


def test_a_first_version_that_is_bad_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InvalidIntegrations):
            IntegrationsFile(path, {}, interval=QUICK).load()
