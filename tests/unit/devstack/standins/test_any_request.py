"""Whatever is sent, a stand-in answers as its platform would, or refuses, and never breaks."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recado.devstack.standins.calls import Call, StandIn
from recado.devstack.standins.config import Config
from recado.devstack.standins.customers import Customers
from recado.devstack.standins.gemini import Gemini
from recado.devstack.standins.records import Journal
from recado.devstack.standins.statuses import StatusSender
from recado.devstack.standins.telegram import Telegram
from recado.devstack.standins.whatsapp import WhatsApp

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BOT = "/bot7000000001:telegram-demo-token-of-the-stand-in"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["whatsapp", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def objects(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of these fields, with any values."""
    return st.dictionaries(st.sampled_from(names), values, max_size=len(names))


def stand_in(build: str) -> StandIn:
    config = Config()
    journal = Journal(config.bounds)
    customers = Customers(config.customers, now=NOW)
    if build == "whatsapp":
        statuses = StatusSender(config.whatsapp, httpx.AsyncClient())
        return WhatsApp(config.whatsapp, customers=customers, journal=journal, statuses=statuses)
    if build == "telegram":
        return Telegram(config.telegram, customers=customers, journal=journal, started=NOW)
    return Gemini(config.gemini)


def call(path: str, body: bytes, content_type: str = "application/json") -> Call:
    headers = {
        "authorization": "Bearer whatsapp-demo-token",
        "x-goog-api-key": "gemini-demo-key",
        "content-type": content_type,
    }
    return Call("POST", path, headers, {}, body, NOW)


def answered(build: str, request: Call) -> None:
    platform = stand_in(build)
    platform.sketch(request)
    reply = platform.answer(request, None)
    assert reply.status in {200, 400, 401, 403, 404}
    assert (reply.status == 200) == (reply.refusal is None)
    json.dumps(reply.body)


@settings(deadline=None)
@example({"messaging_product": "whatsapp", "to": "0", "type": []})
@given(
    objects(
        "messaging_product",
        "to",
        "recipient",
        "type",
        "text",
        "status",
        "message_id",
        "typing_indicator",
        "context",
        "biz_opaque_callback_data",
    ).map(lambda body: {"messaging_product": "whatsapp", **body})
)
def test_any_graph_body(body: dict[str, Any]) -> None:
    answered("whatsapp", call("/v26.0/100000000000001/messages", json.dumps(body).encode()))


@settings(deadline=None)
@given(
    objects(
        "chat_id",
        "text",
        "entities",
        "parse_mode",
        "reply_parameters",
        "message_thread_id",
        "reply_markup",
        "url",
        "secret_token",
        "max_connections",
        "allowed_updates",
        "action",
        "callback_query_id",
    ),
    st.sampled_from(["sendMessage", "setWebhook", "sendChatAction", "answerCallbackQuery"]),
)
def test_any_bot_api_parameters(body: dict[str, Any], method: str) -> None:
    answered("telegram", call(f"{BOT}/{method}", json.dumps(body).encode()))


@settings(deadline=None)
@given(objects("contents", "systemInstruction", "generationConfig", "tools", "safetySettings"))
def test_any_gemini_body(body: dict[str, Any]) -> None:
    path = "/v1beta/models/gemini-3.8-flash:generateContent"
    answered("gemini", call(path, json.dumps(body).encode()))


@settings(deadline=None)
@given(st.text())
def test_any_prompt_is_answered(prompt: str) -> None:
    body = {"contents": [{"parts": [{"text": prompt or "."}]}]}
    path = "/v1beta/models/gemini-3.8-flash:generateContent"
    reply = stand_in("gemini").answer(call(path, json.dumps(body).encode()), None)
    assert reply.status == 200


@pytest.mark.parametrize("build", ["whatsapp", "telegram", "gemini"])
@settings(deadline=None)
@given(path=st.text(), body=st.binary(), content_type=st.sampled_from(["application/json", "a/b"]))
def test_any_path_and_bytes(build: str, path: str, body: bytes, content_type: str) -> None:
    answered(build, call(f"/{path}", body, content_type))


@pytest.mark.parametrize(
    ("build", "path"),
    [
        ("whatsapp", "/v26.0/100000000000001/messages"),
        ("telegram", f"{BOT}/sendMessage"),
        ("gemini", "/v1beta/models/gemini-3.8-flash:generateContent"),
    ],
)
@settings(deadline=None)
@given(body=st.binary())
def test_any_bytes_at_a_known_path(build: str, path: str, body: bytes) -> None:
    answered(build, call(path, body))
