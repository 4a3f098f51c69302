"""Real webhooks over HTTP that are in a real Kafka then, with all that is in them.

Topics are shared: each test looks for its own ids.
"""

import asyncio
import json
import uuid

import pytest
from pydantic import JsonValue

from recado.schemas.webhooks import MessageReceived, StatusReported
from support.ingress import (
    TELEGRAM,
    VERIFY_TOKEN,
    WHATSAPP,
    Ingress,
    body,
    change,
    message,
    status,
    unique,
    webhooks,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def ingress(shared_ingress: Ingress) -> Ingress:
    return shared_ingress


async def test_every_entry_change_message_and_status_of_a_post_is_in_the_topics(
    ingress: Ingress,
) -> None:
    mark = unique()
    texts = [f"{mark} {number}" for number in range(7)]
    report = status("34600000009")
    content = body(
        [change(message("34600000001", texts[0]), message("34600000001", texts[1]))],
        [
            change(message("34600000002", texts[2]), message("34600000003", texts[3])),
            change(statuses=(report,)),
        ],
        [change(*(message("34600000001", text) for text in texts[4:]))],
    )

    response = await ingress.post(content)

    assert response.status_code == 200
    assert response.json() == {"status": "accepted", "messages": 7, "statuses": 1}
    events = await ingress.events()
    (webhook,) = webhooks(events, mark)
    by_id = {event.id: event for event in events}
    contained = [by_id[one] for one in webhook.event_ids]
    messages = [one for one in contained if isinstance(one, MessageReceived)]
    assert [one.text for one in messages] == texts
    assert {one.webhook_id for one in messages} == {webhook.id}
    (reported,) = (one for one in contained if isinstance(one, StatusReported))
    assert reported.platform_message_id == report["id"]


async def test_messages_of_a_conversation_are_in_the_topic_in_their_order(
    ingress: Ingress,
) -> None:
    mark = unique()
    texts = [f"{mark} {number}" for number in range(40)]

    for start in range(0, 40, 10):
        many = [message("34600000077", text) for text in texts[start : start + 10]]
        assert (await ingress.post(body([change(*many)]))).status_code == 200

    found = [
        event.text
        for event in await ingress.events()
        if isinstance(event, MessageReceived) and mark in (event.text or "")
    ]
    assert found == texts  # one conversation, so one partition


async def test_a_repeated_post_gives_a_second_record_and_no_second_message(
    ingress: Ingress,
) -> None:
    mark = unique()
    content = body([change(message("34600000001", mark))])

    answers = await asyncio.gather(*(ingress.post(content) for _ in range(3)))

    assert [answer.status_code for answer in answers] == [200] * 3
    events = await ingress.events()
    first, *others = webhooks(events, mark)
    assert [one.event_ids for one in others] == [first.event_ids] * 2
    assert sorted(one.repeats for one in (first, *others)) == [0, 1, 1]
    assert sum(one.id in first.event_ids for one in events) == 1


async def test_a_telegram_update_is_taken(ingress: Ingress) -> None:
    mark = unique()
    update: JsonValue = {
        "update_id": uuid.uuid4().int % 10**9,
        "message": {
            "message_id": 5,
            "date": 1790000000,
            "chat": {"id": 123456, "type": "private"},
            "from": {"id": 123456, "is_bot": False, "first_name": "Ana"},
            "text": mark,
        },
    }

    response = await ingress.update(update)

    assert (response.status_code, response.json()["messages"]) == (200, 1)
    events = await ingress.events()
    (webhook,) = webhooks(events, mark)
    (received,) = (one for one in events if one.id in webhook.event_ids)
    assert isinstance(received, MessageReceived)
    assert (received.text, received.conversation) == (mark, "telegram:bot:123456")


async def test_whatsapps_handshake_is_answered_with_its_challenge(ingress: Ingress) -> None:
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": VERIFY_TOKEN,
        "hub.challenge": "1158201444",
    }

    right = await ingress.http.get(WHATSAPP, params=query)
    wrong = await ingress.http.get(WHATSAPP, params=query | {"hub.verify_token": "wrong"})

    assert (right.status_code, right.text) == (200, "1158201444")
    assert right.headers["content-type"].startswith("text/plain")
    assert wrong.status_code == 403


async def test_telegram_has_no_handshake(ingress: Ingress) -> None:
    assert (await ingress.http.get(TELEGRAM)).status_code == 405


async def test_a_thousand_messages_in_one_post_go_through(ingress: Ingress) -> None:
    mark = unique()
    # Of ten conversations in turn.
    many = [message(f"346{number % 10:08}", f"{mark} {number}") for number in range(1000)]

    response = await ingress.post(body([change(*many)]))

    assert (response.status_code, response.json()["messages"]) == (200, 1000)
    events = await ingress.events()
    (webhook,) = webhooks(events, mark)
    found = [
        event
        for event in events
        if isinstance(event, MessageReceived) and mark in (event.text or "")
    ]
    texts = {event.id: event.text for event in found}
    assert [texts[one] for one in webhook.event_ids] == [f"{mark} {n}" for n in range(1000)]
    for chat in range(10):
        in_the_topic = [one.text for one in found if one.conversation.endswith(f"346{chat:08}")]
        assert in_the_topic == [f"{mark} {n}" for n in range(chat, 1000, 10)]


async def test_bodies_up_to_metas_limit_go_through_and_larger_ones_are_413(
    ingress: Ingress,
) -> None:
    mark = unique()
    frame = json.dumps(body([change(message("34600000001", "@"))])).encode()
    before, _, after = frame.partition(b"@")
    limit = 3 * 1024 * 1024
    # Of random hexadecimal digits, so that compression does not make it small.
    noise = "".join(uuid.uuid4().hex for _ in range(limit // 32 + 1))
    text = (mark + noise)[: limit - len(before) - len(after)].encode()

    at_limit = await ingress.post(body=before + text + after)
    beyond = await ingress.post(body=before + text + b"x" + after)

    assert (at_limit.status_code, beyond.status_code) == (200, 413)
    events = await ingress.events()
    (webhook,) = webhooks(events, mark)
    assert webhook.payload_bytes == limit
    (received,) = (one for one in events if one.id in webhook.event_ids)
    assert isinstance(received, MessageReceived)
    assert (received.text or "").encode() == text
