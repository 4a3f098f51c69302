"""The Graph API's stand-in takes what the real one takes and refuses what it refuses."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

PATH = "/graph/v26.0/100000000000001/messages"
AUTHORIZED = {"Authorization": "Bearer whatsapp-demo-token"}


def text_to(number: str = "1234567890", body: str = "Hola", **more: Any) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "to": number,
        "type": "text",
        "text": {"body": body},
        **more,
    }


async def send(client: httpx.AsyncClient, body: Any, path: str = PATH) -> httpx.Response:
    # Escaped, so that half a surrogate pair can be sent.
    headers = {**AUTHORIZED, "Content-Type": "application/json"}
    return await client.post(path, content=json.dumps(body), headers=headers)


async def received(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/control/messages", params={"platform": "whatsapp"})
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


async def test_a_text_is_accepted_in_the_real_shape_and_received(
    client: httpx.AsyncClient,
) -> None:
    answer = await send(client, text_to("+1 (234) 567-890", biz_opaque_callback_data="answer/0"))
    assert answer.status_code == 200
    accepted = answer.json()
    assert accepted["messaging_product"] == "whatsapp"
    assert accepted["contacts"] == [{"input": "+1 (234) 567-890", "wa_id": "1234567890"}]
    assert accepted["messages"][0]["id"].startswith("wamid.")
    (message,) = await received(client)
    assert message["chat"] == "1234567890"
    assert message["text"] == "Hola"
    assert message["callback_data"] == "answer/0"
    assert message["message_id"] == accepted["messages"][0]["id"]


async def test_message_ids_differ_also_after_a_reset(client: httpx.AsyncClient) -> None:
    first = (await send(client, text_to())).json()["messages"][0]["id"]
    await client.post("/control/reset")
    assert (await send(client, text_to())).json()["messages"][0]["id"] != first


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic whatsapp-demo-token"},
        {"Authorization": "Bearer ÿ"},
    ],
)
async def test_without_a_known_bearer_token_it_is_401_and_190(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    given = httpx.Headers(headers, encoding="latin-1")
    answer = await client.post(PATH, json=text_to(), headers=given)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 190
    assert answer.json()["error"]["type"] == "OAuthException"
    assert await received(client) == []


@pytest.mark.parametrize("version", ["v20.0", "v27.0"])
async def test_a_version_that_is_not_in_service_is_refused(
    client: httpx.AsyncClient, version: str
) -> None:
    answer = await send(client, text_to(), PATH.replace("v26.0", version))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 2635)


@pytest.mark.parametrize("version", ["v21.0", "v26.0"])
async def test_every_version_in_service_is_taken(client: httpx.AsyncClient, version: str) -> None:
    assert (await send(client, text_to(), PATH.replace("v26.0", version))).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/graph/100000000000001/messages", "/graph/v26.0/messages", "/graph/", "/graph/v26.0/1/media"],
)
async def test_an_unknown_path_is_2500(client: httpx.AsyncClient, path: str) -> None:
    answer = await send(client, text_to(), path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 2500)


async def test_only_post_sends(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH, headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


async def test_a_phone_number_id_of_somebody_else_is_refused(client: httpx.AsyncClient) -> None:
    answer = await send(client, text_to(), PATH.replace("100000000000001", "1"))
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "GraphMethodException"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ([], "messaging_product"),
        ({"to": "1234567890", "text": {"body": "Hola"}}, "messaging_product"),
        (text_to() | {"messaging_product": "sms"}, "messaging_product"),
        ({"messaging_product": "whatsapp", "text": {"body": "Hola"}}, "to"),
        (text_to() | {"to": 1234567890}, "to"),
        (text_to(recipient_type="crowd"), "recipient_type"),
        (text_to() | {"type": "texto"}, "type"),
        (text_to() | {"text": None}, "text"),
        (text_to() | {"text": "Hola"}, "text"),
        (text_to() | {"text": {}}, "text['body']"),
        (text_to() | {"text": {"body": 5}}, "text['body']"),
        (text_to(body=""), "text['body']"),
        (text_to(body="\ud83d"), "text['body']"),
        (text_to(body="a" * 4097), "text['body']"),
        (text_to() | {"text": {"body": "Hola", "preview_url": "yes"}}, "text['preview_url']"),
        (text_to(biz_opaque_callback_data="x" * 513), "biz_opaque_callback_data"),
        (text_to(biz_opaque_callback_data={"a": 1}), "biz_opaque_callback_data"),
        (text_to(context={}), "context['message_id']"),
        (
            {"messaging_product": "whatsapp", "status": "delivered", "message_id": "wamid.A"},
            "status",
        ),
        ({"messaging_product": "whatsapp", "status": "read"}, "message_id"),
        ({"messaging_product": "whatsapp", "status": "read", "message_id": "7"}, "message_id"),
        (
            {
                "messaging_product": "whatsapp",
                "status": "read",
                "message_id": "wamid.A",
                "typing_indicator": {"type": "audio"},
            },
            "typing_indicator['type']",
        ),
    ],
)
async def test_a_body_of_the_wrong_shape_is_100_and_names_the_parameter(
    client: httpx.AsyncClient, body: Any, names: str
) -> None:
    answer = await send(client, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, 100)
    assert names in error["message"]
    assert await received(client) == []


async def test_a_body_that_is_not_json_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b"\xff{", headers=AUTHORIZED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


async def test_4096_characters_are_taken(client: httpx.AsyncClient) -> None:
    assert (await send(client, text_to(body="😀" * 4096))).status_code == 200


async def test_a_type_that_is_not_stood_in_for_is_131051(client: httpx.AsyncClient) -> None:
    answer = await send(client, text_to() | {"type": "image"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 131051)


def template_with(text: str) -> dict[str, JsonValue]:
    parameter: JsonValue = {"type": "text", "text": text}
    body: JsonValue = {"type": "body", "parameters": [parameter]}
    return {"name": "respuesta", "language": {"code": "es"}, "components": [body]}


async def test_a_template_is_received_with_what_was_filled_in(client: httpx.AsyncClient) -> None:
    template = {"type": "template", "template": template_with("Tu pedido salió.")}
    assert (await send(client, text_to() | template)).status_code == 200
    (message,) = await received(client)
    assert (message["template"], message["text"]) == ("respuesta", "Tu pedido salió.")


@pytest.mark.parametrize(
    "template",
    [
        template_with("dos\nlíneas"),
        template_with("un\ttabulador"),
        template_with("cinco     blancos"),
        template_with("largo " * 200),
        template_with(""),
        {"name": "sin_idioma"},
        {"language": {"code": "es"}},
        {
            "name": "x",
            "language": {"code": "es"},
            "components": [{"type": "body", "parameters": 1}],
        },
        "respuesta",
    ],
)
async def test_a_malformed_template_is_error_100(
    client: httpx.AsyncClient, template: JsonValue
) -> None:
    answer = await send(client, text_to() | {"type": "template", "template": template})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


async def test_an_unknown_recipient_is_131030(client: httpx.AsyncClient) -> None:
    answer = await send(client, text_to("999999999"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 131030)


async def test_a_user_id_is_reached_by_recipient(client: httpx.AsyncClient) -> None:
    body = text_to() | {"to": None, "recipient": "AR.1001"}
    answer = await send(client, body)
    assert answer.json()["contacts"] == [{"input": "AR.1001", "user_id": "AR.1001"}]
    (message,) = await received(client)
    assert message["chat"] == "AR.1001"


async def test_an_unknown_user_id_is_refused(client: httpx.AsyncClient) -> None:
    answer = await send(client, text_to() | {"to": None, "recipient": "AR.404"})
    assert answer.json()["error"]["code"] == 131030


async def test_a_user_id_in_to_is_accepted_and_nobody_receives_it(
    client: httpx.AsyncClient,
) -> None:
    answer = await send(client, text_to("AR.1001"))
    assert answer.status_code == 200
    assert answer.json()["messages"][0]["id"].startswith("wamid.")
    assert await received(client) == []


async def test_the_window_closes_24_hours_after_the_customers_last_message(
    client: httpx.AsyncClient, move_clock: Callable[[timedelta], None]
) -> None:
    move_clock(timedelta(hours=23, minutes=59))
    assert (await send(client, text_to("5491100000001"))).status_code == 200
    move_clock(timedelta(minutes=1))
    answer = await send(client, text_to("5491100000001"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 131047)
    await client.post(
        "/control/customers", json={"platform": "whatsapp", "number": "5491100000001"}
    )
    assert (await send(client, text_to("5491100000001"))).status_code == 200


async def test_a_window_that_stays_open_does(
    client: httpx.AsyncClient, move_clock: Callable[[timedelta], None]
) -> None:
    move_clock(timedelta(days=9))
    assert (await send(client, text_to())).status_code == 200


@pytest.mark.parametrize("more", [{}, {"typing_indicator": {"type": "text"}}])
async def test_a_message_is_marked_as_read(client: httpx.AsyncClient, more: dict[str, Any]) -> None:
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A", **more}
    answer = await send(client, body)
    assert answer.status_code == 200
    assert answer.json() == {"success": True}
    assert await received(client) == []


async def test_a_quoted_message_is_kept_with_the_reply(client: httpx.AsyncClient) -> None:
    await send(client, text_to(context={"message_id": "wamid.Q"}))
    (message,) = await received(client)
    assert message["in_reply_to"] == "wamid.Q"


async def test_a_refusal_is_recorded_with_its_reason_and_without_the_token(
    client: httpx.AsyncClient,
) -> None:
    await send(client, text_to("999999999"))
    answer = await client.get("/control/requests", params={"platform": "whatsapp"})
    (request,) = answer.json()["requests"]
    assert (request["outcome"], request["status"]) == ("refused", 400)
    assert request["reason"].startswith("131030")
    assert request["body"]["to"] == "999999999"
    assert "whatsapp-demo-token" not in answer.text
