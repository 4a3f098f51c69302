"""Real webhooks over HTTP into a real Kafka. Topics are shared: each test looks for its own ids."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import JsonValue

from recado.devstack.stack.kafka import ApacheKafka, ExternalKafka
from recado.schemas.events import Event
from recado.schemas.webhooks import (
    MessageReceived,
    StatusReported,
    WebhookOutcome,
    WebhookReceived,
)
from recado.servicekit import topics
from recado.servicekit.settings import KafkaSettings
from support.ingress import (
    TELEGRAM,
    VERIFY_TOKEN,
    WHATSAPP,
    Ingress,
    body,
    change,
    message,
    run_ingress,
    sign,
    status,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def unique() -> str:
    """Something that is in no other test's payload."""
    return uuid.uuid4().hex


def webhooks(events: list[Event], mark: str) -> list[WebhookReceived]:
    return [one for one in events if isinstance(one, WebhookReceived) and mark in one.payload]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(
    kafka: ApacheKafka | ExternalKafka, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ingress]:
    """One process for all tests here, which records more rejections than it would by default."""
    await topics.apply(KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap))
    folder = tmp_path_factory.mktemp("ingress")
    async with run_ingress(kafka.bootstrap, folder, rejections_burst="1000") as running:
        await running.until_ready()
        yield running


async def eventually(ingress: Ingress, mark: str) -> WebhookReceived:
    """The record of the rejected request with `mark`: it is written beside the answer."""
    async with asyncio.timeout(20):
        while True:
            if found := webhooks(await ingress.events(), mark):
                return found[0]
            await asyncio.sleep(0.2)


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


@pytest.mark.parametrize(
    "signature",
    [
        "sha256=" + "0" * 64,
        "sha256=ä",
        "ключ",
        "",
        "sha256=",
        "sha256=" + "é" * 64,
        "sha256=" + "٣" * 64,  # digits, but not ASCII's
    ],
)
async def test_a_wrong_signature_is_401_and_gives_no_event(
    ingress: Ingress, signature: str
) -> None:
    mark = unique()
    content = body([change(message("34600000001", mark))])

    response = await ingress.post(content, signature=signature)

    assert response.status_code == 401
    record = await eventually(ingress, mark)
    assert (record.outcome, record.status) == (WebhookOutcome.REJECTED, 401)
    assert record.event_ids == ()
    assert not any(
        isinstance(one, MessageReceived) and mark in (one.text or "")
        for one in await ingress.events()
    )


async def test_a_signature_for_another_body_or_with_another_secret_is_401(
    ingress: Ingress,
) -> None:
    content = json.dumps(body([change(message("34600000001"))])).encode()

    changed = await ingress.post(body=content + b" ", signature=sign(content))
    forged = await ingress.post(body=content, signature=sign(content, "another secret"))

    assert (changed.status_code, forged.status_code) == (401, 401)
    assert sign(content) not in changed.text + forged.text


async def test_an_unsigned_request_from_loopback_is_401_unless_in_development(
    ingress: Ingress,
) -> None:
    response = await ingress.http.post(WHATSAPP, json=body([change(message("34600000001"))]))

    assert response.status_code == 401


@pytest.mark.parametrize("secret", ["wrong", "", "x" * 300])
async def test_a_wrong_telegram_secret_is_401(ingress: Ingress, secret: str) -> None:
    mark = unique()

    response = await ingress.update({"update_id": 1, "mark": mark}, secret=secret)

    assert response.status_code == 401
    assert (await eventually(ingress, mark)).status == 401


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


async def test_what_is_authentic_and_unreadable_is_200_and_in_the_topic(ingress: Ingress) -> None:
    mark = unique()

    response = await ingress.post(body=b'{"entry": ' + mark.encode())

    assert (response.status_code, response.json()["status"]) == (200, "unreadable")
    (webhook,) = webhooks(await ingress.events(), mark)
    assert webhook.outcome is WebhookOutcome.UNREADABLE
    assert webhook.error


@pytest.mark.parametrize(
    "damage",
    [
        b'{"mark": "%s", "at": NaN}',
        b'{"mark": "%s", "at": Infinity}',
        b'{"mark": "%s", "text": "\\ud800"}',
        b'{"mark": "%s", "text": "\xff"}',
        b'\xef\xbb\xbf{"mark": "%s"}',
        b'{"mark": "%s", "deep": ' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'["%s"]',
        b'"%s"',
        b'{"mark": "%s"} {}',
        b'{"mark": "%s", }',
    ],
    ids=lambda damage: damage[:40].decode(errors="replace"),
)
async def test_authentic_json_that_is_none_is_recorded_with_its_fault_and_200(
    ingress: Ingress, damage: bytes
) -> None:
    mark = unique()
    content = damage.replace(b"%s", mark.encode())

    response = await ingress.post(body=content)

    assert (response.status_code, response.json()["status"]) == (200, "unreadable")
    written = await ingress.events()
    record = next(
        one
        for one in written
        if isinstance(one, WebhookReceived)
        and one.payload_sha256 == hashlib.sha256(content).hexdigest()
    )
    assert record.outcome is WebhookOutcome.UNREADABLE
    assert record.error
    assert mark not in record.error


async def test_a_body_with_a_key_twice_is_unreadable_and_whole_in_its_record(
    ingress: Ingress,
) -> None:
    """Which of the two is meant nobody can tell; a person may, by the record."""
    mark = unique()
    content = json.dumps(body([change(message("34600000001", "@"))])).encode()
    twice = content.replace(b'"body": "@"', f'"body": "{mark} 1", "body": "{mark} 2"'.encode())

    response = await ingress.post(body=twice)

    assert (response.status_code, response.json()["status"]) == (200, "unreadable")
    (webhook,) = webhooks(await ingress.events(), mark)
    assert webhook.outcome is WebhookOutcome.UNREADABLE
    assert (webhook.payload.encode(), webhook.event_ids) == (twice, ())


async def test_an_unknown_number_is_recorded_only(ingress: Ingress) -> None:
    mark = unique()

    response = await ingress.post(body([change(message("34600000001", mark), number="999")]))

    assert response.status_code == 200
    (webhook,) = webhooks(await ingress.events(), mark)
    assert webhook.outcome is WebhookOutcome.UNKNOWN_INTEGRATION
    assert webhook.event_ids == ()


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


async def test_the_worst_authentic_body_goes_through(ingress: Ingress) -> None:
    """Control characters are six times as long in JSON."""
    content = b"\x01" * (3 * 1024 * 1024)

    response = await ingress.post(body=content)

    assert (response.status_code, response.json()["status"]) == (200, "unreadable")


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
