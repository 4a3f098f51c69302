"""The Bot API's stand-in takes what the real one takes and refuses what it refuses."""

import json
from typing import Any

import httpx
import pytest

TOKEN = "7000000001:telegram-demo-token-of-the-stand-in"
BOT = f"/telegram/bot{TOKEN}"


async def call(client: httpx.AsyncClient, method: str, **params: Any) -> httpx.Response:
    # Escaped, so that half a surrogate pair can be sent.
    headers = {"Content-Type": "application/json"}
    return await client.post(f"{BOT}/{method}", content=json.dumps(params), headers=headers)


async def received(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/control/messages", params={"platform": "telegram"})
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


def refused(answer: httpx.Response, code: int, description: str) -> bool:
    body = answer.json()
    assert (answer.status_code, body["ok"], body["error_code"]) == (code, False, code)
    assert description in body["description"]
    return True


async def test_a_message_is_accepted_in_the_real_shape_and_received(
    client: httpx.AsyncClient,
) -> None:
    answer = await call(client, "sendMessage", chat_id=123456, text="Hola")
    result = answer.json()["result"]
    assert answer.json()["ok"] is True
    assert result["chat"] == {"id": 123456, "type": "private", "first_name": "Cliente"}
    assert result["from"]["id"] == 7000000001
    assert result["text"] == "Hola"
    (message,) = await received(client)
    assert (message["chat"], message["text"]) == ("123456", "Hola")
    assert message["message_id"] == str(result["message_id"])


async def test_message_ids_rise_in_each_chat(client: httpx.AsyncClient) -> None:
    first = (await call(client, "sendMessage", chat_id=123456, text="a")).json()["result"]
    second = (await call(client, "sendMessage", chat_id=123456, text="b")).json()["result"]
    assert second["message_id"] == first["message_id"] + 1


async def test_queries_and_forms_are_taken_and_methods_in_any_case(
    client: httpx.AsyncClient,
) -> None:
    params = {
        "chat_id": "123456",
        "text": "Hola ñ",
        "entities": '[{"type":"bold","offset":0,"length":4}]',
    }
    assert (await client.get(f"{BOT}/sendmessage", params=params)).status_code == 200
    assert (await client.post(f"{BOT}/SENDMESSAGE", data=params)).status_code == 200
    by_query, by_form = await received(client)
    assert by_query["text"] == by_form["text"] == "Hola ñ"
    assert by_query["entities"] == by_form["entities"]


@pytest.mark.parametrize("token", ["7000000001:wrong", "", "ñ", TOKEN + "x"])
async def test_a_wrong_token_is_401(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.post(f"/telegram/bot{token}/getMe")
    assert answer.status_code == 401
    assert answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


@pytest.mark.parametrize("method", ["sendMassage", "sendPhoto", ""])
async def test_an_unknown_method_is_404(client: httpx.AsyncClient, method: str) -> None:
    assert refused(await call(client, method), 404, "Not Found")


async def test_another_http_method_is_404(client: httpx.AsyncClient) -> None:
    assert refused(await client.delete(f"{BOT}/getMe"), 404, "Not Found")


async def test_get_me_tells_the_bot(client: httpx.AsyncClient) -> None:
    result = (await client.get(f"{BOT}/getMe")).json()["result"]
    assert (result["id"], result["is_bot"]) == (7000000001, True)


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": "Hola"}, "Bad Request: chat_id is empty"),
        ({"chat_id": 1, "text": "Hola"}, "Bad Request: chat not found"),
        ({"chat_id": "@nobody", "text": "Hola"}, "Bad Request: chat not found"),
        ({"chat_id": 123456}, "Bad Request: message text is empty"),
        ({"chat_id": 123456, "text": ""}, "Bad Request: message text is empty"),
        ({"chat_id": 123456, "text": " \n"}, "Bad Request: text must be non-empty"),
        ({"chat_id": 123456, "text": "a" * 4097}, "Bad Request: message is too long"),
        ({"chat_id": 123456, "text": "😀" * 2049}, "Bad Request: message is too long"),
        ({"chat_id": 123456, "text": {"a": 1}}, "must be of type String"),
        ({"chat_id": 123456, "text": "\ud83d"}, "strings must be encoded in UTF-8"),
        ({"chat_id": 123456, "text": "a", "message_thread_id": 7}, "message thread not found"),
        ({"chat_id": 123456, "text": "a", "message_thread_id": "x"}, "must be a valid Number"),
        ({"chat_id": 123456, "text": "a", "reply_parameters": 5}, "object expected"),
        ({"chat_id": 123456, "text": "a", "reply_parameters": "{"}, "can't parse reply parameters"),
        (
            {"chat_id": 123456, "text": "a", "reply_parameters": {}},
            "message to be replied not found",
        ),
        ({"chat_id": 123456, "text": "a", "reply_markup": []}, "object expected as reply markup"),
        ({"chat_id": 123456, "text": "a", "parse_mode": "BBCode"}, "unsupported parse_mode"),
    ],
)
async def test_a_message_that_the_real_one_refuses_is_a_bad_request(
    client: httpx.AsyncClient, params: dict[str, Any], description: str
) -> None:
    assert refused(await call(client, "sendMessage", **params), 400, description)
    assert await received(client) == []


async def test_4096_utf16_units_are_taken(client: httpx.AsyncClient) -> None:
    answer = await call(client, "sendMessage", chat_id=123456, text="😀" * 2048)
    assert answer.status_code == 200


async def test_a_body_that_is_not_a_json_object_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        f"{BOT}/sendMessage", content=b"[1", headers={"Content-Type": "application/json"}
    )
    assert refused(answer, 400, "can't parse JSON object")


async def test_a_blocked_bot_is_forbidden(client: httpx.AsyncClient) -> None:
    answer = await call(client, "sendMessage", chat_id=200, text="Hola")
    assert refused(answer, 403, "Forbidden: bot was blocked by the user")


async def test_a_migrated_group_tells_where_it_went(client: httpx.AsyncClient) -> None:
    answer = await call(client, "sendMessage", chat_id=-300, text="Hola")
    assert refused(answer, 400, "upgraded to a supergroup")
    assert answer.json()["parameters"] == {"migrate_to_chat_id": -100300}


async def test_a_thread_of_the_chat_is_kept_with_the_message(client: httpx.AsyncClient) -> None:
    answer = await call(
        client,
        "sendMessage",
        chat_id=-100500,
        text="Hola",
        message_thread_id=7,
        reply_parameters={"message_id": 41},
    )
    assert answer.json()["result"]["message_thread_id"] == 7
    (message,) = await received(client)
    assert (message["thread"], message["in_reply_to"]) == (7, "41")


@pytest.mark.parametrize("action", ["", "dancing"])
async def test_an_unknown_chat_action_is_refused(client: httpx.AsyncClient, action: str) -> None:
    answer = await call(client, "sendChatAction", chat_id=123456, action=action)
    assert refused(answer, 400, "wrong parameter action in request")


async def test_typing_is_taken_in_a_known_chat_only(client: httpx.AsyncClient) -> None:
    known = await call(client, "sendChatAction", chat_id=123456, action="typing")
    assert known.json() == {"ok": True, "result": True}
    unknown = await call(client, "sendChatAction", chat_id=1, action="typing")
    assert refused(unknown, 400, "chat not found")


async def test_a_callback_query_is_answered_by_its_id(client: httpx.AsyncClient) -> None:
    assert (await call(client, "answerCallbackQuery", callback_query_id="42")).status_code == 200
    assert refused(await call(client, "answerCallbackQuery"), 400, "query is too old")
    too_long = await call(client, "answerCallbackQuery", callback_query_id="42", text="a" * 201)
    assert refused(too_long, 400, "MESSAGE_TOO_LONG")


@pytest.mark.parametrize(
    "url", ["https://example.org/hook", "https://example.org:8443/h", "http://127.0.0.1:9000/h"]
)
async def test_a_webhook_is_set_shown_and_deleted(client: httpx.AsyncClient, url: str) -> None:
    answer = await call(client, "setWebhook", url=url, secret_token="a-Z_9")
    assert answer.json() == {"ok": True, "result": True}
    assert (await call(client, "getWebhookInfo")).json()["result"]["url"] == url
    assert (await call(client, "deleteWebhook")).json() == {"ok": True, "result": True}
    assert (await call(client, "getWebhookInfo")).json()["result"]["url"] == ""


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"url": "http://example.org/hook"}, "An HTTPS URL must be provided for webhook"),
        ({"url": "https://example.org:9000/hook"}, "only on ports 80, 88, 443 or 8443"),
        ({"url": "https://example.org:port/hook"}, "Wrong port number"),
        ({"url": "https:///hook"}, "invalid webhook URL"),
        ({"url": "https://example.org/", "secret_token": "a b"}, "unallowed characters"),
        ({"url": "https://example.org/", "secret_token": "a" * 257}, "unallowed characters"),
        ({"url": "https://example.org/", "max_connections": 101}, "between 1 and 100"),
        ({"url": "https://example.org/", "allowed_updates": "message"}, "allowed updates"),
        ({"url": "https://example.org/", "allowed_updates": [1]}, "Array of String"),
    ],
)
async def test_a_webhook_that_the_real_one_refuses_is_refused(
    client: httpx.AsyncClient, params: dict[str, Any], description: str
) -> None:
    assert refused(await call(client, "setWebhook", **params), 400, description)
    assert (await call(client, "getWebhookInfo")).json()["result"]["url"] == ""


async def test_token_and_webhook_secret_are_not_kept(client: httpx.AsyncClient) -> None:
    await call(client, "setWebhook", url="https://example.org/", secret_token="hush-hush")
    await client.get(f"{BOT}/setWebhook", params={"url": "", "secret_token": "hush-hush"})
    await client.post(f"{BOT}/setWebhook", data={"url": "", "secret_token": "hush-hush"})
    await client.post(f"{BOT}/a/b/c", content=b"hush-hush")
    answer = await client.get("/control/requests")
    assert len(answer.json()["requests"]) == 4
    assert answer.json()["requests"][0]["path"] == "/bot[redacted]/setWebhook"
    assert TOKEN not in answer.text
    assert "hush-hush" not in answer.text
