"""Clients that are slow, odd or late, byte by byte, against the server in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from starlette.types import Receive, Scope, Send

from recado.ingress import connections
from recado.ingress.server import HttpServer
from recado.servicekit import metrics

SOON = timedelta(milliseconds=200)
LONG = timedelta(seconds=30)
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
UPGRADE = b"%b / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %b\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n4\r\nhola\r\n0\r\n\r\n"


class Slow:
    """Answers 200 to whatever it has read, when it is let."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.begun = asyncio.Semaphore(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.release()
        while (await receive()).get("more_body"):
            pass
        await self.may_answer.wait()
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


class Refusing:
    """Answers 413 without having read anything."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body"})


@asynccontextmanager
async def serving(
    app: Slow | Refusing,
    *,
    head_timeout: timedelta = LONG,
    drain_timeout: timedelta = LONG,
    max_connections: int = 100,
) -> AsyncIterator[HttpServer]:
    server = HttpServer(
        app,
        host="127.0.0.1",
        port=0,
        head_timeout=head_timeout,
        drain_timeout=drain_timeout,
        max_connections=max_connections,
        retry_after=timedelta(seconds=4.2),
    )
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def head(self) -> str:
        """The next answer's status line and headers."""
        async with asyncio.timeout(20):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
        await self._reader.readexactly(int(length))
        return head

    async def rest(self) -> bytes:
        """All until the connection is closed."""
        async with asyncio.timeout(20):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""


@asynccontextmanager
async def connected(server: HttpServer) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


@pytest.mark.parametrize("body", [b"Content-Length: 4\r\n\r\nhola", CHUNKED])
@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
async def test_a_body_that_would_go_with_another_protocol_is_400_and_never_taken_for_empty(
    protocol: bytes, body: bytes
) -> None:
    """The parser hands over no body of such a request: 200 would acknowledge what nobody read."""
    app = Slow()
    async with serving(app) as server, connected(server) as client:
        client.send(UPGRADE % (b"POST", protocol) + body)
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
        assert app.begun.locked()


async def test_another_protocol_is_not_spoken_and_the_request_answered() -> None:
    """As some clients ask for with every request, and a server may pass over."""
    async with serving(Slow()) as server, connected(server) as client:
        client.send(UPGRADE % (b"GET", b"h2c") + b"\r\n")
        head = await client.head()
        assert head.startswith("HTTP/1.1 200 ")
        assert "connection: close" in head
        assert await client.rest() == b""


async def test_headers_that_do_not_come_are_408_and_the_end() -> None:
    async with serving(Slow(), head_timeout=SOON) as server, connected(server) as client:
        client.send(REQUEST[:30])
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")


async def test_so_are_headers_that_come_drop_by_drop() -> None:
    """Each connection ends while more comes. A drop after the end may reset it, and then the
    answer is lost on its way, so one of a few is looked for."""
    assert b"HTTP/1.1 408 " in [(await _dripped())[:13] for _ in range(5)]


async def _dripped() -> bytes:
    async with serving(Slow(), head_timeout=SOON) as server, connected(server) as client:

        async def drip() -> None:
            client.send(b"GET / HTTP/1.1\r\n")
            while True:
                client.send(b"A: b\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        try:
            return await client.rest()
        finally:
            dripping.cancel()


async def test_line_breaks_before_a_request_are_no_reason_to_wait_for_ever() -> None:
    async with serving(Slow(), head_timeout=SOON) as server, connected(server) as client:
        client.send(b"\r\n")
        assert await client.rest() == b""


async def test_endless_headers_are_431_and_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_HEAD_BYTES", 1000)
    async with serving(Slow()) as server, connected(server) as client:
        client.send(b"GET / HTTP/1.1\r\n")
        for _ in range(4):
            client.send(b"A: " + b"b" * 400 + b"\r\n")
            await asyncio.sleep(0.02)
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_what_is_no_http_is_400_and_not_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(Slow()) as server, connected(server) as client:
        client.send(b"\x16\x03\x01 not http\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
    assert caplog.records == []


async def test_a_client_that_goes_on_sending_a_refused_body_gets_the_answer_and_then_the_end() -> (
    None
):
    async with serving(Refusing(), head_timeout=SOON) as server, connected(server) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.head()).startswith("HTTP/1.1 413 ")

        async def pour() -> None:
            while True:
                client.send(b"400\r\n" + b"x" * 0x400 + b"\r\n")
                await asyncio.sleep(0.01)

        pouring = asyncio.create_task(pour())
        await client.rest()
        pouring.cancel()


async def test_requests_one_after_the_other_are_not_bounded_by_the_time_for_one() -> None:
    async with serving(Slow(), head_timeout=SOON) as server, connected(server) as client:
        for _ in range(4):
            client.send(REQUEST[:30])
            await asyncio.sleep(0.1)
            client.send(REQUEST[30:] + b"body")
            assert (await client.head()).startswith("HTTP/1.1 200 ")


async def test_a_connection_beyond_the_bound_is_503_and_the_end_until_another_is_gone() -> None:
    refused = metrics.CONNECTIONS_REFUSED._value.get()
    async with serving(Slow(), max_connections=2) as server, connected(server) as one:
        async with connected(server) as other:
            for client in (one, other):
                client.send(REQUEST + b"body")
                assert (await client.head()).startswith("HTTP/1.1 200 ")
            for _ in range(3):
                async with connected(server) as further:
                    answer = await further.rest()
                    assert answer.startswith(b"HTTP/1.1 503 ")
                    assert b"retry-after: 5\r\n" in answer
        one.send(REQUEST + b"body")
        assert (await one.head()).startswith("HTTP/1.1 200 ")
        async with connected(server) as next_one:
            next_one.send(REQUEST + b"body")
            assert (await next_one.head()).startswith("HTTP/1.1 200 ")
    assert metrics.CONNECTIONS_REFUSED._value.get() == refused + 3


async def test_when_it_stops_every_connection_gets_the_answer_to_what_it_sends() -> None:
    """One that waits for its answer, one in its body, one in its headers, one that is about to."""
    app = Slow()
    app.may_answer.clear()
    async with (
        serving(app) as server,
        connected(server) as waiting,
        connected(server) as in_body,
        connected(server) as in_head,
        connected(server) as about_to,
    ):
        waiting.send(REQUEST + b"body")
        in_body.send(REQUEST + b"bo")
        in_head.send(REQUEST[:30])
        async with asyncio.timeout(20):
            for _ in range(2):
                await app.begun.acquire()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.3)
        in_body.send(b"dy")
        in_head.send(REQUEST[30:] + b"body")
        about_to.send(REQUEST + b"body")
        app.may_answer.set()

        for client in (waiting, in_body, in_head, about_to):
            head = await client.head()
            assert head.startswith("HTTP/1.1 200 ")
            assert "connection: close" in head
            assert await client.rest() == b""
        await stopping
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_one_that_sends_nothing_does_not_hold_up_the_stop() -> None:
    async with serving(Slow()) as server, connected(server) as idle:
        await server.stop()
        assert await idle.rest() == b""


async def test_one_that_does_not_finish_its_request_does_so_for_the_drain_time_only() -> None:
    async with serving(Slow(), drain_timeout=SOON) as server, connected(server) as client:
        client.send(REQUEST[:30])
        await asyncio.sleep(0.05)
        await server.stop()
        assert await client.rest() == b""
