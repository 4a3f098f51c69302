"""A request that comes in one piece, over a connection of the server: what is written, and when."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from recado.ingress.answers import Answer
from recado.ingress.connections import Bounds, Connection
from recado.ingress.http import create_app
from recado.ingress.reception import Reception, Visit
from recado.servicekit.health import Health

ANSWER = b'{"status":"accepted"}'
PATH = b"/api/integrations/webhooks/whatsapp/"


class Wire(asyncio.Transport):
    """Notes what is written, each call by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": ("192.0.2.1", 1234)}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Echoing(Reception):
    """Notes how bodies came."""

    def __init__(self) -> None:
        self.came: list[tuple[bytes | None, bytes]] = []
        self.answer = Answer(200, "accepted", ANSWER)

    async def receive(self, visit: Visit) -> Answer:
        pieces = b"" if visit.whole is not None else b"".join([one async for one in visit.body])
        self.came.append((visit.whole, pieces))
        return self.answer

    async def verify(self, visit: Visit) -> Answer:
        return self.answer


@pytest.fixture
def reception() -> Echoing:
    return Echoing()


@pytest.fixture
async def connection(reception: Echoing) -> Connection:
    config = uvicorn.Config(
        create_app(reception, Health()), ws="none", lifespan="off", log_config=None
    )
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    bounds = Bounds(head_timeout=5, connections=2, retry_after="1")
    made = Connection(config, state, {}, bounds)
    made.connection_made(Wire())
    return made


def wire(connection: Connection) -> Wire:
    return cast("Wire", connection.transport)


def post(*headers: bytes, body: bytes = b"{}", version: bytes = b"1.1") -> bytes:
    head = (b"POST %b HTTP/%b" % (PATH, version), b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join(head) + b"\r\n\r\n" + body


async def until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0)


async def answered(connection: Connection) -> None:
    await until(lambda: connection.cycle.response_complete)


async def test_the_whole_body_is_there_at_once_and_the_answer_is_one_write(
    connection: Connection, reception: Echoing
) -> None:
    for body in (b'{"a":1}', b""):
        wire(connection).written.clear()
        connection.data_received(post(body=body))
        await answered(connection)

        (written,) = wire(connection).written
        head, _, content = written.partition(b"\r\n\r\n")
        assert content == ANSWER
        assert head.split(b"\r\n") == [
            b"HTTP/1.1 200 OK",
            b"content-length: %d" % len(ANSWER),
            b"content-type: application/json",
            b"date: today",
        ]
    assert reception.came == [(b'{"a":1}', b""), (b"", b"")]
    assert not wire(connection).closed


async def test_a_body_that_comes_later_is_received(
    connection: Connection, reception: Echoing
) -> None:
    whole = post(body=b'{"a":1}')
    connection.data_received(whole[:-3])
    for _ in range(5):
        await asyncio.sleep(0)
    connection.data_received(whole[-3:])
    await answered(connection)

    assert reception.came == [(None, b'{"a":1}')]
    assert wire(connection).written[0].endswith(ANSWER)


async def test_who_waits_for_a_word_before_the_body_gets_it(
    connection: Connection, reception: Echoing
) -> None:
    connection.data_received(post(b"Expect: 100-continue"))
    await answered(connection)

    go_on, answer = wire(connection).written
    assert go_on.startswith(b"HTTP/1.1 100 ")
    assert answer.endswith(ANSWER)
    assert reception.came == [(None, b"{}")]


@pytest.mark.parametrize(
    "request_", [post(b"Connection: close"), post(version=b"1.0")], ids=["asked for", "HTTP/1.0"]
)
async def test_a_connection_that_is_not_kept_says_so_and_is_closed(
    connection: Connection, request_: bytes
) -> None:
    connection.data_received(request_)
    await answered(connection)

    (written,) = wire(connection).written
    assert b"\r\nconnection: close\r\n\r\n" in written
    assert wire(connection).closed


async def test_requests_that_come_together_are_answered_one_after_the_other(
    connection: Connection, reception: Echoing
) -> None:
    connection.data_received(post(body=b"1") + post(body=b"2") + post(body=b"3"))
    await until(lambda: len(wire(connection).written) == 3)

    assert reception.came == [(b"1", b""), (b"2", b""), (b"3", b"")]


async def test_an_answer_waits_for_a_client_that_does_not_read(connection: Connection) -> None:
    connection.pause_writing()
    connection.data_received(post())
    for _ in range(20):
        await asyncio.sleep(0)
    assert wire(connection).written == []

    connection.resume_writing()
    await answered(connection)
    assert b"".join(wire(connection).written).endswith(ANSWER)


async def test_nothing_is_written_to_a_client_that_is_gone(
    connection: Connection, reception: Echoing
) -> None:
    began = asyncio.Event()
    gone = asyncio.Event()
    receive: Callable[[Visit], Awaitable[Answer]] = reception.receive

    async def slow(visit: Visit) -> Answer:
        began.set()
        await gone.wait()
        return await receive(visit)

    connection.app = create_app(_With(slow), Health())
    connection.data_received(post())
    await began.wait()
    connection.connection_lost(None)
    gone.set()
    await until(lambda: not connection.tasks)

    assert wire(connection).written == []


class _With(Echoing):
    def __init__(self, receive: Callable[[Visit], Awaitable[Answer]]) -> None:
        super().__init__()
        self._receive_with = receive

    async def receive(self, visit: Visit) -> Answer:
        return await self._receive_with(visit)


async def test_an_answer_to_head_has_no_body(connection: Connection) -> None:
    connection.data_received(b"HEAD %b HTTP/1.1\r\n\r\n" % PATH)
    await answered(connection)

    assert b"".join(wire(connection).written).endswith(b"\r\n\r\n")


async def test_headers_of_an_answer_go_out(connection: Connection, reception: Echoing) -> None:
    reception.answer = Answer(503, "unavailable", b"{}", headers={"Retry-After": "5"})
    connection.data_received(post())
    await answered(connection)

    assert b"\r\nretry-after: 5\r\n" in b"".join(wire(connection).written)


async def test_a_kept_connection_is_closed_once_it_was_quiet_for_its_time_and_not_before(
    connection: Connection,
) -> None:
    made = connection.timeout_keep_alive_task
    assert made is not None
    connection.data_received(post())
    await answered(connection)

    connection.timeout_keep_alive_handler()  # of the time that began before the request
    assert not wire(connection).closed
    again = connection.timeout_keep_alive_task
    assert again is not None
    assert again is not made
    assert again.when() - connection.loop.time() > connection.timeout_keep_alive / 2

    connection._quiet_since -= connection.timeout_keep_alive
    connection.timeout_keep_alive_handler()
    assert wire(connection).closed


@pytest.mark.parametrize("sent", [post()[:-1], post()[:20]], ids=["its body", "its headers"])
async def test_a_connection_with_a_request_under_way_is_not_quiet(
    connection: Connection, sent: bytes
) -> None:
    connection.data_received(sent)
    connection._quiet_since -= 2 * connection.timeout_keep_alive
    connection.timeout_keep_alive_handler()

    assert not wire(connection).closed
    connection.connection_lost(None)
    await until(lambda: not connection.tasks)


async def test_a_connection_that_is_gone_leaves_no_timer(connection: Connection) -> None:
    timer = connection.timeout_keep_alive_task
    connection.connection_lost(None)

    assert timer is not None
    assert timer.cancelled()
    assert connection.timeout_keep_alive_task is None
