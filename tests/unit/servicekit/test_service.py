"""What one, two and three signals do to a service."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from functools import partial

import pytest

from recado.servicekit import service

SCRIPT = """
    import asyncio, os, signal
    from recado.servicekit import service

    class Stuck:
        async def start(self): pass
        async def failed(self): await asyncio.Event().wait()
        async def stop(self):
            again()
            await asyncio.Event().wait()
        {hurry}

    def again():
        os.kill(os.getpid(), signal.SIGTERM)

    def make():
        asyncio.get_running_loop().call_soon(again)
        return Stuck()

    service.run(make)
"""


class Draining:
    """A service whose `stop` waits for work that ends only when it is hurried."""

    def __init__(self, signals: int) -> None:
        self._signals = signals
        self._let_go = asyncio.Event()
        self.told: list[str] = []

    async def start(self) -> None:
        self._signal()

    async def failed(self) -> BaseException:
        await asyncio.Event().wait()
        raise AssertionError

    async def stop(self) -> None:
        self.told.append("stop")
        if self._signals:
            self._signal()
            await self._let_go.wait()

    def hurry(self) -> None:
        self.told.append("hurry")
        self._let_go.set()

    def _signal(self) -> None:
        self._signals -= 1
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("signals", "told"), [(1, ["stop"]), (2, ["stop", "hurry"])], ids=["one", "two"]
)
def test_a_first_signal_stops_a_second_hurries(signals: int, told: list[str]) -> None:
    """Both end in order, with status 0."""
    made: list[Draining] = []

    def make() -> Draining:
        made.append(Draining(signals))
        return made[0]

    assert service.run(make) == 0
    assert made[0].told == told


@pytest.mark.parametrize(
    "hurry",
    ["", "def hurry(self): print('hurried', flush=True); again()"],
    ids=["the-second-where-nothing-can-hurry", "the-third-otherwise"],
)
def test_the_last_signal_ends_a_process_that_is_stuck(hurry: str) -> None:
    """With status 1, and no `stop` is waited for."""
    run = partial(subprocess.run, capture_output=True, text=True, timeout=60, check=False)
    ended = run([sys.executable, "-c", textwrap.dedent(SCRIPT).format(hurry=hurry)])
    assert ended.returncode == service.EXIT_FAILED, ended.stderr
    assert ("hurried" in ended.stdout) == bool(hurry)
