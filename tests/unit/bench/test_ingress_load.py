"""Ingress's benchmarks send what they say, count every answer, and tell what they saw."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import yaml
from bench.http_load import Seen, send
from bench.ingress_memory import check
from bench.ingress_memory_plot import Sample, slope
from bench.ingress_memory_requests import AGAIN, PARTS, TAKEN, Mixture
from bench.ingress_outage import Answered, told
from bench.ingress_report import CONCURRENCIES, NAMES, cpu, marks, p99, rate, ratio, text
from bench.ingress_requests import INTEGRATIONS, KINDS, TELEGRAM_INTEGRATION

from recado.channels.contract import Channel, Integration, WebhookRequest
from recado.channels.telegram import TelegramChannel, TelegramIntegration
from recado.channels.whatsapp import WhatsAppChannel, WhatsAppIntegration
from recado.schemas.ids import fresh_id

_WHATSAPP, _TELEGRAM = yaml.safe_load(INTEGRATIONS + TELEGRAM_INTEGRATION)["integrations"]
CHANNELS: Mapping[str, tuple[Channel, Integration]] = {
    "whatsapp": (WhatsAppChannel(), WhatsAppIntegration.model_validate(_WHATSAPP)),
    "telegram": (TelegramChannel(), TelegramIntegration.model_validate(_TELEGRAM)),
}


@asynccontextmanager
async def answering(
    answer: Callable[[bytes], list[bytes]],
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server whose answer to a body comes in these pieces; its port, and the bodies that came."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            bodies.append(await reader.readexactly(length))
            pieces = answer(bodies[-1])
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if not pieces or b"Connection: close" in pieces[0]:
                break
        writer.close()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], bodies


def numbered(count: int) -> list[bytes]:
    """Requests whose bodies are their numbers."""
    return [b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n%03d" % number for number in range(count)]


async def test_each_request_is_sent_once_and_its_status_counted() -> None:
    """Whichever connection sends it; also where an answer comes in pieces."""

    def answer(body: bytes) -> list[bytes]:
        status = 200 if int(body) % 2 else 503
        return [b"HTTP/1.1 %d x\r\nContent-" % status, b"length: 4\r\n\r\nab", b"cd"]

    async with answering(answer) as (port, bodies):
        answered = await send(port, numbered(20), concurrency=3, seconds=30)
    assert sorted(bodies) == [b"%03d" % number for number in range(20)]
    assert sorted((number, status) for number, status, _ in answered) == [
        (number, 200 if number % 2 else 503) for number in range(20)
    ]


async def test_a_connection_that_the_server_ends_is_made_anew() -> None:
    """After an answer that says so."""
    answer = b"HTTP/1.1 401 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    async with answering(lambda _body: [answer]) as (port, bodies):
        answered = await send(port, numbered(5), concurrency=1, seconds=30)
    assert len(bodies) == 5
    assert [status for _, status, _ in answered] == [401] * 5


async def test_a_request_without_an_answer_is_an_error() -> None:
    """It is not just left out of the count."""
    async with answering(lambda _body: []) as (port, _bodies):
        with pytest.raises(ExceptionGroup) as raised:
            await send(port, numbered(1), concurrency=1, seconds=30)
    assert raised.group_contains(ConnectionError)


async def test_nothing_is_sent_when_the_time_is_up() -> None:
    """However much there is."""
    async with answering(lambda _body: [b""]) as (port, bodies):
        assert await send(port, numbered(5), concurrency=2, seconds=0) == []
    assert bodies == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_is_authentic_and_never_the_same(kind: str) -> None:
    """As the platform's own: it has one message, with an id that no other has."""
    channel, integration = CHANNELS[kind]
    ids = set()
    for _ in range(50):
        head, _, body = KINDS[kind]().partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")[1:]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        assert int(headers["content-length"]) == len(body)
        request = WebhookRequest(headers, {}, body, "192.0.2.1")
        assert channel.authenticate(request, (integration,)) == (integration,)
        parsed = channel.parse(
            body,
            (integration,),
            named=None,
            webhook_id=fresh_id(),
            received_at=datetime.now(UTC),
        )
        assert not parsed.problems
        (message,) = parsed.messages
        ids.add(message.id)
    assert len(ids) == 50


def test_of_a_mixture_only_what_was_taken_is_sent_again() -> None:
    """And each kind comes, with the status that it must get."""
    mixture = Mixture(seed=1)
    first, second = mixture.draw(1_000), mixture.draw(1_000)
    assert {one.kind for one in first + second} == set(PARTS)
    assert all(one.status == PARTS[one.kind][1] for one in first + second)
    again = {one.content for one in second if one.kind == AGAIN}
    assert again
    assert again <= {one.content for one in first if one.kind in TAKEN}
    once = [one.content for one in first + second if one.kind != AGAIN]
    assert len(once) == len(set(once))


def test_another_status_than_must_be_is_told() -> None:
    """So is a request without an answer."""
    requests = Mixture(seed=1).draw(3)
    right = {number: one.status for number, one in enumerate(requests)}
    check(requests, right)
    for wrong in ({**right, 1: 500}, {0: right[0], 2: right[2]}):
        with pytest.raises(RuntimeError, match=requests[1].kind):
            check(requests, wrong)


def test_the_slope_is_of_the_resident_set_per_10000_requests() -> None:
    """Whatever the anonymous part does."""
    taken = [Sample(5_000 * step, 80_000 + 7 * step, 10**6 * step) for step in range(10)]
    assert slope(taken) == pytest.approx(14)


def seen(requests: int, cpu: float, p99: float) -> Seen:
    """A round of one second."""
    return Seen(requests, 1.0, {"200": requests}, p99 / 2, p99, (cpu,), 0.1, 0.0, 0.0)


def test_ratios_are_of_the_same_round_and_their_median_is_told() -> None:
    """A slow round of the machine falls on both, and out of the ratio."""
    ours = [seen(100, 0.2, 0.01), seen(50, 0.2, 0.02), seen(100, 0.3, 0.01)]
    floor = [seen(200, 0.2, 0.01), seen(100, 0.2, 0.02), seen(400, 0.4, 0.01)]
    assert ratio(ours, floor, rate) == 0.5
    assert ratio(ours, floor, cpu) == pytest.approx(2.0)
    assert ratio(ours, floor, p99) == 1.0


def test_each_mark_is_told_with_what_was_seen_and_whether_that_is_enough() -> None:
    """None hides that it was missed."""
    good, bad = [seen(100, 0.1, 0.01)], [seen(100, 0.3, 0.03)]
    points = {name: dict.fromkeys(CONCURRENCIES, bad) for name in NAMES}
    points["Recado"] = dict.fromkeys(CONCURRENCIES, good)
    told = marks(points)
    assert len(told) == 10
    assert sum(line.endswith("yes") for line in told) == 8
    assert [line for line in told if line.endswith("no") and "aiogram" in line] == told[4::5]
    assert text(points, {}).count("Recado") == 2 * len(CONCURRENCIES)


def test_of_an_outage_waiting_is_told_apart_from_what_comes_at_once() -> None:
    """Requests sent after the third failure are those that must not wait."""
    before = [Answered(0.0, 0.01, 200)]
    waited = [Answered(1.0 + 0.1 * number, 4.0 + 0.1 * number, 503) for number in range(3)]
    at_once = [Answered(5.0, 5.002, 503), Answered(5.1, 5.103, 503)]
    found = told([*before, *waited, *at_once, Answered(9.0, 9.5, 200)], killed=0.9, back=9.0)
    assert found["first_503_after_s"] == 3.1
    assert found["shut_after_s"] == 3.3
    assert found["answers_then"] == 2
    assert found["then_longest_ms"] == 3.0
    assert found["accepted_again_s"] == 0.5
    assert found["statuses"] == "503: 5"
