"""The integrations file of a dispatcher that runs: tokens, accounts out and in, bad versions.

Kafka is not there: records are handed over as lanes does.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import httpx
import pytest

from recado.channels.accounts import Accounts
from recado.channels.registry import CHANNELS
from recado.channels.watching import IntegrationsFile
from recado.devstack.stack.mongodb import MongoDb
from recado.devstack.stack.ports import LOOPBACK, free_port
from recado.dispatcher.app import App
from recado.dispatcher.attending import Attention
from recado.dispatcher.core import build, now
from recado.dispatcher.handlers import LookAgain
from recado.dispatcher.senders import PooledSenders
from recado.dispatcher.settings import DispatcherSettings
from recado.dispatcher.stopped import Stopped
from recado.dispatcher.throttling import Throttle
from recado.schemas.deliveries import NotDeliveredReason
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered
from recado_lanes import Unavailable
from support.dispatching import TELEGRAM, answer, record
from support.memory_documents import MemoryDocuments

QUICK = timedelta(milliseconds=50)
OLD, NEW = "1:old", "1:new"


class BotApi:
    """Takes the requests of one token and refuses those of any other, as Telegram does."""

    def __init__(self) -> None:
        self.valid = OLD
        self.taken = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                ok = f"/bot{self.valid}/".encode() in head
                self.taken += ok
                status = b"200 OK" if ok else b"401 Unauthorized"
                body = b'{"ok":true,"result":{"message_id":7}}' if ok else b'{"ok":false}'
                size = str(len(body)).encode()
                writer.write(b"HTTP/1.1 %b\r\ncontent-length: %b\r\n\r\n%b" % (status, size, body))
        except asyncio.IncompleteReadError:
            pass  # it was closed
        finally:
            writer.close()


class Following:
    """A dispatcher's parts that follow a file, before Telegram."""

    def __init__(self, file: Path, api: BotApi, address: str) -> None:
        self.api = api
        self.published: list[AnswerDelivered | AnswerNotDelivered] = []
        self._file = file
        self._address = address
        self._told = asyncio.Queue[object]()
        self.senders = PooledSenders(
            CHANNELS, timeout=timedelta(seconds=20), connecting=timedelta(seconds=9), connections=2
        )
        self._write(OLD)
        watched = IntegrationsFile(file, {}, interval=QUICK)
        self._stopped = Stopped(monotonic)
        users = (self.senders.replace, self._stopped.configured)
        self.accounts = Accounts(watched, users, self._told.put_nowait)
        documents = MemoryDocuments()
        self._handlers = build(
            DispatcherSettings(),
            documents,
            self.senders,
            self._publish,
            Throttle(self.senders.limits, monotonic),
            self._stopped,
            Attention(self.senders, documents, now, typing=False),
        )

    async def configure(self, token: str, *, enabled: str = "true") -> None:
        """Another version of the file; returns when it is in use."""
        self._write(token, enabled)
        async with asyncio.timeout(20):
            assert await self._told.get() == ()

    async def take(self, number: int) -> None:
        """Handle that answer's record, once it is its turn."""
        deadline = datetime.now(UTC) + timedelta(minutes=15)
        one = record(answer(number, reply_to=TELEGRAM, deadline=deadline), number)
        try:
            await self._handlers.handle(one)
        except LookAgain as its_turn:
            await asyncio.sleep(its_turn.wait.total_seconds())
            await self._handlers.handle(one)

    def _write(self, token: str, enabled: str = "true") -> None:
        self._file.write_text(
            f"integrations: [{{name: {TELEGRAM.integration}, platform: telegram, "
            f"development: true, enabled: {enabled}, bot_token: '{token}', "
            f"api_base_url: '{self._address}'}}]"
        )

    async def _publish(self, event: AnswerDelivered | AnswerNotDelivered) -> None:
        self.published.append(event)


@pytest.fixture
async def following(tmp_path: Path) -> AsyncIterator[Following]:
    api = BotApi()
    server = await asyncio.start_server(api.take, LOOPBACK, 0)
    address = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    running = Following(tmp_path / "integrations.yaml", api, address)
    task = asyncio.create_task(running.accounts.run())
    yield running
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await running.senders.close()
    server.close()
    await server.wait_closed()


async def test_an_answer_that_waits_for_a_refused_token_goes_out_with_the_new_one(
    following: Following,
) -> None:
    """At its next try."""
    following.api.valid = NEW
    with pytest.raises(Unavailable) as waits:
        await following.take(1)
    assert waits.value.only_key
    await following.configure(NEW)
    await following.take(1)
    assert following.api.taken == 1
    (outcome,) = following.published
    assert isinstance(outcome, AnswerDelivered)


async def test_answers_of_an_integration_end_while_it_is_disabled_and_go_out_when_it_is_back(
    following: Following,
) -> None:
    """As those of one that the file never had."""
    await following.configure(OLD, enabled="false")
    await following.take(1)
    await following.configure(OLD)
    await following.take(2)
    ended, sent = following.published
    assert isinstance(ended, AnswerNotDelivered)
    assert ended.reason is NotDeliveredReason.UNKNOWN_INTEGRATION
    assert isinstance(sent, AnswerDelivered)


async def test_a_bad_version_is_in_metric_and_readiness_of_the_dispatcher_until_it_is_mended(
    mongodb: MongoDb, tmp_path: Path
) -> None:
    """It starts, and stays, without Kafka; the file is followed all the while."""
    file = tmp_path / "integrations.yaml"
    file.write_text("integrations: []")
    settings = DispatcherSettings(
        host=LOOPBACK,
        port=free_port(),
        mongodb_url=mongodb.url,
        kafka_bootstrap_servers=f"{LOOPBACK}:{free_port()}",
        integrations_file=file,
        integrations_interval=QUICK,
    )
    app = App(settings)
    await app.start()
    failed = asyncio.create_task(app.failed())
    try:
        async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{settings.port}") as http:
            file.write_text("integrations: [{platform: telegram, name: tg}]")
            await _until_outdated(http, "1.0")
            warnings = (await http.get("/readyz")).json()["warnings"]
            said = "an older version is in use; integrations.yaml:1: integrations[0].bot_token: "
            assert warnings["integrations"].startswith(said)
            file.write_text("integrations: []\n")
            await _until_outdated(http, "0.0")
            assert (await http.get("/readyz")).json()["warnings"] == {}
        assert not failed.done()
    finally:
        failed.cancel()
        await asyncio.wait([failed])
        await app.stop()


async def _until_outdated(http: httpx.AsyncClient, value: str) -> None:
    async with asyncio.timeout(20):
        while True:
            if f"recado_integrations_outdated {value}" in (await http.get("/metrics")).text:
                return
            await asyncio.sleep(0.02)
