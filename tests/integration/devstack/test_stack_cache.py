"""A folder of the cache is whole or not there, whoever fills it and however they end."""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from recado.devstack.stack.cache import filled_once
from recado.devstack.stack.kafka_jars import INSTALL, fetch_jars, java_and_maven_installed
from recado.devstack.stack.process import ChildProcess
from support.require import require


def found(folder: Path, pattern: str) -> bool:
    return any(folder.glob(pattern))


async def test_one_of_two_callers_fills_and_both_get_it(tmp_path: Path) -> None:
    fills = 0

    async def fill(folder: Path) -> None:
        nonlocal fills
        fills += 1
        (folder / "first.jar").touch()
        await asyncio.sleep(0.1)
        (folder / "second.jar").touch()

    async def get() -> set[str]:
        return {jar.name for jar in (await filled_once(tmp_path / "kafka", fill)).iterdir()}

    both = await asyncio.gather(get(), get())
    assert list(both) == [{"first.jar", "second.jar"}] * 2
    assert fills == 1


async def test_a_failed_fill_leaves_no_folder_and_the_next_may_try(tmp_path: Path) -> None:
    async def fail(folder: Path) -> None:
        (folder / "half.jar").touch()
        raise ConnectionError

    async def fill(folder: Path) -> None:
        (folder / "whole.jar").touch()

    with pytest.raises(ConnectionError):
        await filled_once(tmp_path / "kafka", fail)
    assert not found(tmp_path, "kafka*/*")
    folder = await filled_once(tmp_path / "kafka", fill)
    assert [jar.name for jar in folder.iterdir()] == ["whole.jar"]


async def test_what_a_killed_process_left_is_removed_and_its_lock_does_not_hold(
    tmp_path: Path,
) -> None:
    filler = ChildProcess(
        "filler", [sys.executable, "-c", FILLER, str(tmp_path)], log=tmp_path / "filler.log"
    )

    async def half_filled() -> bool:
        return found(tmp_path, "kafka.part-*/half.jar")

    await filler.start(half_filled, timedelta(seconds=20))
    await filler.kill9()

    async def fill(folder: Path) -> None:
        (folder / "whole.jar").touch()

    folder = await filled_once(tmp_path / "kafka", fill)
    assert [jar.name for jar in folder.iterdir()] == ["whole.jar"]
    assert not found(tmp_path, "kafka.part-*")


FILLER = """
import asyncio, sys
from pathlib import Path
from recado.devstack.stack.cache import filled_once

async def fill(folder):
    (folder / "half.jar").touch()
    await asyncio.sleep(600)

asyncio.run(filled_once(Path(sys.argv[1]) / "kafka", fill))
"""

FETCHER = """
import asyncio, os
from recado.devstack.stack.kafka_jars import fetch_jars

print(len(list(asyncio.run(fetch_jars(os.environ)).glob("*.jar"))))
"""


async def test_two_processes_that_fetch_kafkas_jars_at_once_both_get_all(tmp_path: Path) -> None:
    require(java_and_maven_installed(), "Maven", INSTALL)
    environment = {**os.environ, "RECADO_CACHE": str(tmp_path / "cache")}
    fetchers = [
        ChildProcess(
            f"fetcher {number}",
            [sys.executable, "-c", FETCHER],
            log=tmp_path / f"{number}.log",
            environment=environment,
        )
        for number in range(2)
    ]
    async with asyncio.TaskGroup() as group:
        for fetcher in fetchers:
            group.create_task(fetcher.run(timedelta(minutes=5)))
    jars = [jar.name for jar in (await fetch_jars(environment)).iterdir()]
    assert "kafka_2.13-4.4.0.jar" in jars
    assert [fetcher.last_lines() for fetcher in fetchers] == [(str(len(jars)),)] * 2
