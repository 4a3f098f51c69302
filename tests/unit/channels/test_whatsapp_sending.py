"""WhatsApp: what goes over the wire, and what each answer means."""

from datetime import timedelta

import httpx
import orjson
import pytest

from recado.channels.errors import (
    Refused,
    ResultUnknown,
    RetryLater,
    SendError,
    SenderStopped,
    Unclassified,
)
from recado.channels.whatsapp import WhatsAppIntegration
from recado.channels.whatsapp.send import WhatsAppSender
from recado.schemas.conversations import Recipient
from recado.schemas.deliveries import NotDeliveredReason

from .wire import ACCEPTED, NUMBER, PART, USER_ID, Wire, answering, failure, graph_error, send


async def test_whatsapp_posts_a_text_with_callback_data(whatsapp: WhatsAppIntegration) -> None:
    wire = answering(200, ACCEPTED)
    assert await send(whatsapp, wire, NUMBER) == "wamid.OUT="
    (request,) = wire.requests
    assert request.method == "POST"
    assert str(request.url) == "https://graph.facebook.com/v26.0/100000000000001/messages"
    assert request.headers["authorization"] == "Bearer graph-token"
    assert orjson.loads(request.content) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "51900111222",
        "type": "text",
        "text": {"body": "Hola 😀", "preview_url": False},
        "biz_opaque_callback_data": "answer:0:key",
    }


async def test_whatsapp_names_a_user_id_as_recipient_and_never_in_to(
    whatsapp: WhatsAppIntegration,
) -> None:
    wire = answering(200, ACCEPTED)
    await send(whatsapp, wire, USER_ID, quoted="wamid.IN")
    body = orjson.loads(wire.requests[0].content)
    assert body["recipient"] == "PE.77"
    assert "to" not in body
    assert body["context"] == {"message_id": "wamid.IN"}


async def test_whatsapp_says_that_a_group_is_one(whatsapp: WhatsAppIntegration) -> None:
    wire = answering(200, ACCEPTED)
    await send(whatsapp, wire, NUMBER.model_copy(update={"recipient": Recipient.CHAT}))
    body = orjson.loads(wire.requests[0].content)
    assert (body["recipient_type"], body["to"]) == ("group", NUMBER.chat)


@pytest.mark.parametrize("code", [4, 80007, 130429, 131000, 131016, 131056, 131057])
async def test_whatsapp_codes_that_pass_are_retried_later(
    whatsapp: WhatsAppIntegration, code: int
) -> None:
    for status in (400, 429, 500):
        error = await failure(whatsapp, answering(status, graph_error(code)), NUMBER)
        assert isinstance(error, RetryLater)
        assert error.code == code


@pytest.mark.parametrize(
    "code", [131008, 131009, 131021, 131026, 131030, 131050, 131051, 131062, 132000, 132016]
)
async def test_whatsapp_codes_about_the_message_refuse_it(
    whatsapp: WhatsAppIntegration, code: int
) -> None:
    for status in (400, 500):
        error = await failure(whatsapp, answering(status, graph_error(code)), NUMBER)
        assert isinstance(error, Refused)
        assert (error.reason, error.error.code) == (NotDeliveredReason.REFUSED, code)


@pytest.mark.parametrize("code", [0, 3, 10, 190, 200, 299, 368, 131031, 131042, 131048])
async def test_whatsapp_codes_about_the_account_stop_the_sender(
    whatsapp: WhatsAppIntegration, code: int
) -> None:
    error = await failure(whatsapp, answering(400, graph_error(code)), NUMBER)
    assert isinstance(error, SenderStopped)
    assert (error.integration, error.error.code) == ("wa", code)


async def test_whatsapp_says_when_the_window_is_closed_and_how_long_to_wait(
    whatsapp: WhatsAppIntegration,
) -> None:
    closed = await failure(whatsapp, answering(400, graph_error(131047)), NUMBER)
    assert isinstance(closed, Refused)
    assert closed.reason is NotDeliveredReason.WINDOW_CLOSED
    pair = await failure(whatsapp, answering(400, graph_error(131056)), NUMBER)
    assert isinstance(pair, RetryLater)
    assert pair.chat_only
    assert not pair.too_fast
    told = await failure(whatsapp, answering(429, graph_error(130429), retry_after="30"), NUMBER)
    assert isinstance(told, RetryLater)
    assert told.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Unclassified),
        (401, SenderStopped),
        (403, SenderStopped),
        (404, SenderStopped),
        (408, ResultUnknown),
        (413, Unclassified),
        (429, RetryLater),
        (302, ResultUnknown),
        (500, ResultUnknown),
        (502, ResultUnknown),
        (503, ResultUnknown),
        (504, ResultUnknown),
        (200, ResultUnknown),
    ],
)
async def test_whatsapp_answers_without_a_code_are_judged_by_their_status(
    whatsapp: WhatsAppIntegration, status: int, expected: type[SendError]
) -> None:
    page = Wire(lambda _: httpx.Response(status, text="<html>gateway</html>"))
    assert type(await failure(whatsapp, page, NUMBER)) is expected
    unlisted = answering(status, graph_error(99) if status != 200 else {"messages": []})
    assert type(await failure(whatsapp, unlisted, NUMBER)) is expected


async def test_callback_data_that_the_platform_would_cut_is_refused_here(
    whatsapp: WhatsAppIntegration,
) -> None:
    async with answering(200, ACCEPTED).client() as http:
        with pytest.raises(ValueError, match="callback_data"):
            await WhatsAppSender(whatsapp, http).send(NUMBER, PART, callback_data="x" * 513)
