"""The accounts in use follow the file: what is handed on, what is told, what readiness says."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from recado.channels.accounts import Accounts
from recado.channels.contract import Integration
from recado.channels.errors import InvalidIntegrations
from recado.channels.integrations import Integrations
from recado.channels.telegram import TelegramIntegration
from recado.channels.watching import IntegrationsFile, Version


class FakeFile(IntegrationsFile):
    """Tells what the test puts in."""

    def __init__(self, first: Version) -> None:
        super().__init__(Path("integrations.yaml"), {}, interval=timedelta(0))
        self._first = first
        self.told: asyncio.Queue[Version] = asyncio.Queue()

    def load(self) -> Integrations:
        if self._first.integrations is None:
            raise InvalidIntegrations(self._first.problems)
        return self._first.integrations

    async def versions(self) -> AsyncIterator[Version]:
        while True:
            yield await self.told.get()


class Holder:
    """Holds to the accounts, and hears what is told of the versions."""

    def __init__(self) -> None:
        self.held: list[list[str]] = []
        self.heard: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()

    def use(self, integrations: Iterable[Integration]) -> None:
        self.held.append([one.name for one in integrations])

    def tell(self, problems: Sequence[str]) -> None:
        self.heard.put_nowait(tuple(problems))

    async def hears(self) -> tuple[str, ...]:
        async with asyncio.timeout(20):
            return await self.heard.get()


def version(*names: str) -> Version:
    return Version(
        Integrations(
            TelegramIntegration.model_validate(
                {"name": name, "platform": "telegram", "bot_token": "1:a", "secret_token": name}
            )
            for name in names
        )
    )


def bad(*problems: str) -> Version:
    return Version(None, problems)


@asynccontextmanager
async def following(accounts: Accounts) -> AsyncIterator[None]:
    task = asyncio.create_task(accounts.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_first_version_is_held_to_at_once_and_each_new_one_after_it() -> None:
    """By everybody who holds to accounts."""
    file, one, other = FakeFile(version("a")), Holder(), Holder()
    accounts = Accounts(file, (one.use, other.use), one.tell)
    assert one.held == other.held == [["a"]]
    async with following(accounts):
        file.told.put_nowait(version("a", "b"))
        assert await one.hears() == ()
    assert one.held == other.held == [["a"], ["a", "b"]]


async def test_a_bad_version_keeps_the_old_one_and_says_so_until_a_good_one_comes() -> None:
    file, holder = FakeFile(version("a")), Holder()
    accounts = Accounts(file, (holder.use,), holder.tell)
    async with following(accounts):
        assert await accounts.warning() is None
        file.told.put_nowait(bad("f:2: x: is missing", "f:3: y: is missing"))
        assert await holder.hears() == ("f:2: x: is missing", "f:3: y: is missing")
        assert holder.held == [["a"]]
        expected = "an older version is in use; f:2: x: is missing (and 1 more)"
        assert await accounts.warning() == expected

        file.told.put_nowait(version("b"))
        assert await holder.hears() == ()
        assert holder.held == [["a"], ["b"]]
        assert await accounts.warning() is None


def test_a_first_version_that_is_bad_is_an_error_and_nobody_holds_to_it() -> None:
    holder = Holder()
    with pytest.raises(InvalidIntegrations):
        Accounts(FakeFile(bad("f: can't be read")), (holder.use,), holder.tell)
    assert holder.held == []
