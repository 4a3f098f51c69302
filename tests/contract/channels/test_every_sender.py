"""Every channel keeps what `recado.channels.contract.Channel` promises of answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import orjson
import pytest

from recado.channels.contract import Attentive, Channel, Integration, Part
from recado.channels.errors import (
    ResultUnknown,
    RetryLater,
    SendError,
    SenderStopped,
    Unclassified,
)

from .cases import Case, only, read


def test_an_answer_becomes_parts_that_fit_and_can_be_kept(case: Case, channel: Channel) -> None:
    text = "## Título\n\n" + "Una frase de **varias** palabras 😀. " * 400
    parts = channel.format(text)
    assert len(parts) > 1
    for part in parts:
        assert len(part.text.encode("utf-16-le")) // 2 <= case.max_text
        assert Part.model_validate_json(part.model_dump_json()) == part
    assert sum(part.text.count("palabras") for part in parts) == 400
    assert channel.format("  \n ") == ()


@asynccontextmanager
async def wire(
    answer: Callable[[httpx.Request], httpx.Response],
) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        yield http


async def test_a_part_is_sent_once_and_gives_the_platforms_id(
    case: Case, channel: Channel, integration: Integration
) -> None:
    requests: list[httpx.Request] = []

    def answer(sent: httpx.Request) -> httpx.Response:
        requests.append(sent)
        return httpx.Response(200, content=orjson.dumps(case.accepted))

    reply_to = only(read(channel, case.message, integration)).reply_to
    (part,) = channel.format("Hola")
    async with wire(answer) as http:
        sender = channel.sender(integration, http)
        assert await sender.send(reply_to, part, callback_data="a:0") == "77"
    assert len(requests) == 1


def _raise(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(sent: httpx.Request) -> httpx.Response:
        raise error("boom", request=sent)

    return answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_raise(httpx.ConnectError), RetryLater),
        (_raise(httpx.PoolTimeout), RetryLater),
        (_raise(httpx.ReadTimeout), ResultUnknown),
        (_raise(httpx.RemoteProtocolError), ResultUnknown),
        (lambda _: httpx.Response(429), RetryLater),
        (lambda _: httpx.Response(400), Unclassified),
        (lambda _: httpx.Response(401), SenderStopped),
        (lambda _: httpx.Response(502, text="<html>"), ResultUnknown),
        (lambda _: httpx.Response(200, text="<html>"), ResultUnknown),
    ],
)
async def test_a_failure_says_whether_the_part_may_be_sent_again(
    case: Case,
    channel: Channel,
    integration: Integration,
    answer: Callable[[httpx.Request], httpx.Response],
    expected: type[SendError],
) -> None:
    reply_to = only(read(channel, case.message, integration)).reply_to
    async with wire(answer) as http:
        sender = channel.sender(integration, http)
        with pytest.raises(SendError) as failed:
            await sender.send(reply_to, Part(text="Hola"), callback_data="a:0")
    assert type(failed.value) is expected
    assert "t0ken-to-send" not in repr(failed.value)
    assert failed.value.__context__ is None


async def test_attending_is_one_request_with_nothing_that_a_customer_reads(
    case: Case, channel: Channel, integration: Integration
) -> None:
    """Where a platform has such a thing; a second call shows it again."""
    requests: list[httpx.Request] = []

    def answer(sent: httpx.Request) -> httpx.Response:
        requests.append(sent)
        return httpx.Response(200, content=orjson.dumps(case.attended))

    message = only(read(channel, case.message, integration))
    async with wire(answer) as http:
        sender = channel.sender(integration, http)
        assert isinstance(sender, Attentive)
        assert sender.typing_lasts.total_seconds() >= 1
        await sender.attend(message)
        await sender.attend(message)
        await sender.acknowledge(message)
    assert len(requests) == 2
    assert requests[0].content == requests[1].content
    assert b"Hola" not in requests[0].content


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_raise(httpx.ConnectError), RetryLater),
        (_raise(httpx.ReadTimeout), ResultUnknown),
        (lambda _: httpx.Response(429), RetryLater),
        (lambda _: httpx.Response(401), SenderStopped),
        (lambda _: httpx.Response(502, text="<html>"), ResultUnknown),
    ],
)
async def test_attending_fails_in_the_same_words_as_sending(
    case: Case,
    channel: Channel,
    integration: Integration,
    answer: Callable[[httpx.Request], httpx.Response],
    expected: type[SendError],
) -> None:
    message = only(read(channel, case.message, integration))
    async with wire(answer) as http:
        sender = channel.sender(integration, http)
        assert isinstance(sender, Attentive)
        with pytest.raises(SendError) as failed:
            await sender.attend(message)
    assert type(failed.value) is expected
    assert "t0ken-to-send" not in repr(failed.value)


def test_outside_the_reply_window_there_is_a_template_or_nothing(integration: Integration) -> None:
    """Of an integration as it is without any such setting."""
    assert integration.format_outside_window("Hola") == ()
    assert integration.reply_window is None or integration.reply_window.total_seconds() > 3600
