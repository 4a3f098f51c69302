"""Real webhooks that are not authentic, or not readable: a status and a record, no event."""

import asyncio
import hashlib
import json

import pytest

from recado.schemas.webhooks import MessageReceived, WebhookOutcome, WebhookReceived
from support.ingress import (
    WHATSAPP,
    Ingress,
    body,
    change,
    message,
    sign,
    unique,
    webhooks,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def ingress(shared_ingress: Ingress) -> Ingress:
    return shared_ingress


async def recorded(ingress: Ingress, mark: str) -> WebhookReceived:
    """The record of the rejected request with `mark`: it is written beside the answer."""
    async with asyncio.timeout(20):
        while True:
            if found := webhooks(await ingress.events(), mark):
                return found[0]
            await asyncio.sleep(0.2)


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
    record = await recorded(ingress, mark)
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
    assert (await recorded(ingress, mark)).status == 401


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


async def test_the_worst_authentic_body_goes_through(ingress: Ingress) -> None:
    """Control characters are six times as long in JSON."""
    content = b"\x01" * (3 * 1024 * 1024)

    response = await ingress.post(body=content)

    assert (response.status_code, response.json()["status"]) == (200, "unreadable")
