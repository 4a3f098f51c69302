"""Sending on any platform: what a broken connection means, and what no error tells."""

import logging
import traceback

import httpx
import pytest

from recado.channels.contract import Part
from recado.channels.errors import ResultUnknown, RetryLater, SendError
from recado.channels.registry import CHANNELS
from recado.channels.telegram import TelegramIntegration
from recado.channels.whatsapp import WhatsAppIntegration

from .wire import CHAT, NUMBER, answering, failure, graph_error, raising


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx.ConnectError, RetryLater),
        (httpx.ConnectTimeout, RetryLater),
        (httpx.PoolTimeout, RetryLater),
        (httpx.ReadTimeout, ResultUnknown),
        (httpx.WriteTimeout, ResultUnknown),
        (httpx.ReadError, ResultUnknown),
        (httpx.WriteError, ResultUnknown),
        (httpx.RemoteProtocolError, ResultUnknown),
    ],
)
async def test_only_a_failure_before_the_first_byte_means_that_nothing_was_sent(
    whatsapp: WhatsAppIntegration,
    telegram: TelegramIntegration,
    raised: type[httpx.TransportError],
    expected: type[SendError],
) -> None:
    for integration, reply_to in ((whatsapp, NUMBER), (telegram, CHAT)):
        error = await failure(integration, raising(raised), reply_to)
        assert type(error) is expected
        # The HTTP library's error holds the request, and with it the token.
        assert error.__cause__ is None
        assert error.__context__ is None


async def test_a_client_that_is_closed_sends_nothing_and_says_so(
    whatsapp: WhatsAppIntegration, telegram: TelegramIntegration
) -> None:
    """Its integration was replaced meanwhile. httpx itself raises what no caller expects."""
    for integration, reply_to in ((whatsapp, NUMBER), (telegram, CHAT)):
        http = httpx.AsyncClient()
        await http.aclose()
        sender = CHANNELS[integration.platform].sender(integration, http)
        with pytest.raises(RetryLater):
            await sender.send(reply_to, Part(text="hola"), callback_data="")


async def test_no_error_and_no_log_line_tells_a_token_or_a_number(
    whatsapp: WhatsAppIntegration,
    telegram: TelegramIntegration,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    meta = "Malformed access token graph-token for 51900111222"
    bot = "Unauthorized 42:bot-token for -10012"
    told: list[str] = []
    for integration, reply_to, wire in (
        (whatsapp, NUMBER, raising(httpx.ReadTimeout)),
        (whatsapp, NUMBER, answering(400, graph_error(190, message=meta))),
        (whatsapp, NUMBER, answering(400, graph_error(100, error_data={"details": meta}))),
        (whatsapp, NUMBER, answering(200, {})),
        (telegram, CHAT, raising(httpx.ReadTimeout)),
        (telegram, CHAT, answering(401, {"ok": False, "error_code": 401, "description": bot})),
        (telegram, CHAT, answering(200, {})),
    ):
        error = await failure(integration, wire, reply_to)
        told.extend(("".join(traceback.format_exception(error)), repr(error.args)))
    logged = caplog.text
    assert "HTTP Request: POST https://api.telegram.org/bot***/sendMessage" in logged
    for secret in ("graph-token", "bot-token", "51900111222", "app-secret", "hook-secret"):
        assert secret not in logged
        assert secret not in "".join(told)
    assert "-10012" not in "".join(told)
