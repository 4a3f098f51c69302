"""Connections to a platform: who gets none in time has sent nothing."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from recado.channels.contract import Part
from recado.channels.errors import RetryLater
from recado.channels.registry import CHANNELS
from recado.channels.telegram import TelegramIntegration
from recado.dispatcher.attempts import Attempts
from recado.dispatcher.senders import PooledSenders
from recado.schemas.base import Platform
from support.dispatching import NOW, TELEGRAM, World, answer, outgoing

PART = Part(text="hola")
TIMEOUT = timedelta(seconds=5)
CONNECTING = timedelta(milliseconds=150)


class Silent:
    """A platform that takes requests and never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Semaphore(0)
        self.requests = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readline() not in (b"\r\n", b""):
                pass
            self.requests += 1
            self.asked.release()
            await reader.read()
        finally:
            writer.close()


@pytest.fixture
async def silent() -> Silent:
    return Silent()


@pytest.fixture
async def senders(silent: Silent) -> AsyncIterator[PooledSenders]:
    """With one connection."""
    server = await asyncio.start_server(silent.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    integration = TelegramIntegration(
        name=TELEGRAM.integration,
        platform=Platform.TELEGRAM,
        bot_token=SecretStr("123:test"),
        development=True,
        api_base_url=f"http://127.0.0.1:{port}",
    )
    pooled = PooledSenders(
        CHANNELS,
        timeout=TIMEOUT,
        connecting=CONNECTING,
        connections=1,
    )
    pooled.replace([integration])
    yield pooled
    await pooled.close()
    server.close()


async def test_who_gets_no_connection_was_not_asked_for(
    senders: PooledSenders, silent: Silent
) -> None:
    """The platform hangs on all connections: one more send is to be tried again, not uncertain."""
    sender = senders.sender(TELEGRAM)
    assert sender is not None
    world, attempts = World(), Attempts(lambda: NOW)
    delivery = await world.ledger.open(outgoing(answer(1)), (PART, PART))

    async def send(number: int) -> object:
        request = sender.send(TELEGRAM, PART, callback_data="")
        return await attempts.run(delivery, number, request, timeout=TIMEOUT)

    first = asyncio.create_task(send(0))
    await silent.asked.acquire()
    second = await send(1)
    assert isinstance(second, RetryLater)
    assert silent.requests == 1
    assert not first.done()
    first.cancel()
    await asyncio.wait([first])


FIRST_REQUEST = """
import asyncio, sys
from datetime import timedelta
import httpx
from recado.channels.registry import CHANNELS
from recado.dispatcher.senders import PooledSenders

async def answered(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\n{}")

async def main():
    second = timedelta(seconds=1)
    senders = PooledSenders(CHANNELS, timeout=second, connecting=second, connections=1)
    await senders.warm_up()
    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    before = set(sys.modules)
    async with httpx.AsyncClient() as http:
        await http.post(f"http://{host}:{port}/send", json={"text": "hola"})
    print(sorted(set(sys.modules) - before))

asyncio.run(main())
"""


async def test_the_first_request_finds_everything_loaded() -> None:
    """It would hold up the event loop just when it is its turn."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FIRST_REQUEST, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode().strip() == "[]"
