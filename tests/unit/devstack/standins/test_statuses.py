"""Accepted WhatsApp messages are reported to the webhook, signed, with their callback data."""

import asyncio
import hashlib
import hmac
import json
from typing import Any, Protocol

import httpx

PATH = "/graph/v26.0/100000000000001/messages"
AUTHORIZED = {"Authorization": "Bearer whatsapp-demo-token"}


class Listener(Protocol):
    posts: list[httpx.Request]
    statuses: list[int]
    echo_challenge: bool


async def send(client: httpx.AsyncClient, **more: Any) -> str:
    body = {"messaging_product": "whatsapp", "to": "1234567890", "text": {"body": "Hola"}, **more}
    answer = await client.post(PATH, json=body, headers=AUTHORIZED)
    message_id: str = answer.json()["messages"][0]["id"]
    return message_id


async def until_counted(client: httpx.AsyncClient, name: str, count: int) -> None:
    async with asyncio.timeout(10):
        while (await client.get("/control/health")).json()["statuses"][name] < count:  # noqa: ASYNC110  # the count is behind the API
            await asyncio.sleep(0.001)


def statuses_of(request: httpx.Request) -> list[dict[str, Any]]:
    return [
        status
        for entry in json.loads(request.content)["entry"]
        for change in entry["changes"]
        for status in change["value"]["statuses"]
    ]


async def test_sent_and_delivered_are_posted_with_the_callback_data(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    message_id = await send(client, biz_opaque_callback_data="answer/0/key")
    await until_counted(client, "posted", 2)
    (post,) = webhook.posts
    assert [status["status"] for status in statuses_of(post)] == ["sent", "delivered"]
    for status in statuses_of(post):
        assert status["id"] == message_id
        assert status["biz_opaque_callback_data"] == "answer/0/key"
        assert status["recipient_id"] == "1234567890"
    payload = json.loads(post.content)
    assert payload["object"] == "whatsapp_business_account"
    metadata = payload["entry"][0]["changes"][0]["value"]["metadata"]
    assert metadata["phone_number_id"] == "100000000000001"


async def test_a_post_is_signed_with_the_app_secret_over_the_raw_body(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    await send(client)
    await until_counted(client, "posted", 2)
    (post,) = webhook.posts
    expected = hmac.new(b"whatsapp-demo-app-secret", post.content, hashlib.sha256).hexdigest()
    assert post.headers["X-Hub-Signature-256"] == f"sha256={expected}"


async def test_a_post_that_is_not_answered_with_200_is_repeated_as_it_was(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    webhook.statuses[:] = [503, 204]
    await send(client)
    await until_counted(client, "posted", 2)
    assert len(webhook.posts) == 3
    assert len({post.content for post in webhook.posts}) == 1


async def test_a_post_is_given_up_after_the_set_number_of_tries(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    webhook.statuses[:] = [500, 500, 500]
    await send(client)
    await until_counted(client, "given_up", 2)
    assert len(webhook.posts) == 3


async def test_a_customer_with_a_user_id_is_reported_with_it(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    await send(client, to="5491100000001")
    await until_counted(client, "posted", 2)
    assert statuses_of(webhook.posts[0])[0]["recipient_user_id"] == "AR.1001"


async def test_a_user_id_in_to_is_never_reported(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    dropped = await send(client, to="AR.1001")
    reported = await send(client)
    await until_counted(client, "posted", 2)
    ids = {status["id"] for post in webhook.posts for status in statuses_of(post)}
    assert ids == {reported}
    assert dropped != reported


async def test_the_handshake_succeeds_when_the_challenge_comes_back(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    answer = await client.post("/control/whatsapp/handshake")
    assert answer.json() == {"verified": True}
    params = webhook.posts[0].url.params
    assert params["hub.mode"] == "subscribe"
    assert params["hub.verify_token"] == "whatsapp-demo-verify-token"


async def test_the_handshake_fails_when_the_challenge_does_not_come_back(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    webhook.echo_challenge = False
    answer = await client.post("/control/whatsapp/handshake")
    assert answer.json() == {"verified": False}
