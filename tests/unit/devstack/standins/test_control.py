"""What arrived can be read in order, waited for and forgotten."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from recado.devstack.standins.config import Bounds
from recado.devstack.standins.faults import Platform
from recado.devstack.standins.records import Journal, MessageRecord

BOT = "/telegram/bot7000000001:telegram-demo-token-of-the-stand-in"


async def telegram(client: httpx.AsyncClient, text: str, chat: int = 123456, **more: Any) -> None:
    params = {"chat_id": chat, "text": text, **more}
    assert (await client.post(f"{BOT}/sendMessage", json=params)).status_code == 200


async def messages(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await client.get("/control/messages", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [message["text"] for message in found["messages"]]


async def test_messages_are_in_the_order_of_arrival_and_by_chat(client: httpx.AsyncClient) -> None:
    await telegram(client, "uno")
    await telegram(client, "otro", chat=-100500)
    await telegram(client, "dos")
    assert texts(await messages(client)) == ["uno", "otro", "dos"]
    assert texts(await messages(client, platform="telegram", chat=123456)) == ["uno", "dos"]
    assert texts(await messages(client, platform="whatsapp")) == []


async def test_a_reader_that_follows_next_misses_and_repeats_nothing(
    client: httpx.AsyncClient,
) -> None:
    for number in range(5):
        await telegram(client, str(number))
    read: list[str] = []
    after = 0
    for _ in range(4):
        found = await messages(client, after=after, limit=2)
        read += texts(found)
        after = found["next"]
    assert read == ["0", "1", "2", "3", "4"]


async def test_a_wait_ends_with_the_message_that_is_wanted(client: httpx.AsyncClient) -> None:
    await telegram(client, "antes")
    after = (await messages(client))["next"]
    waiting = asyncio.ensure_future(messages(client, chat=123456, after=after, wait=30))
    await asyncio.sleep(0)
    await telegram(client, "para otro", chat=-100500)
    assert not waiting.done()
    await telegram(client, "la respuesta")
    async with asyncio.timeout(10):
        assert texts(await waiting) == ["la respuesta"]


async def test_a_reply_to_a_message_can_be_waited_for(client: httpx.AsyncClient) -> None:
    waiting = asyncio.ensure_future(messages(client, in_reply_to=41, wait=30))
    await asyncio.sleep(0)
    await telegram(client, "no", reply_parameters={"message_id": 40})
    await telegram(client, "sí", reply_parameters={"message_id": 41})
    async with asyncio.timeout(10):
        assert texts(await waiting) == ["sí"]


async def test_a_wait_that_is_over_finds_nothing(client: httpx.AsyncClient) -> None:
    assert texts(await messages(client, wait=0.001)) == []


@pytest.mark.parametrize(
    "query", [{"wait": "61"}, {"wait": "soon"}, {"wait": "nan"}, {"after": "-1"}, {"chats": "1"}]
)
async def test_a_question_that_makes_no_sense_is_422(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    assert (await client.get("/control/messages", params=query)).status_code == 422


async def test_requests_are_found_by_platform_index_and_time(
    client: httpx.AsyncClient,
    clock: Callable[[], datetime],
    move_clock: Callable[[timedelta], None],
) -> None:
    await telegram(client, "uno")
    move_clock(timedelta(minutes=1))
    await client.post("/gemini/v1beta/models/x:generateContent", json={})
    await telegram(client, "dos")

    async def operations(**query: Any) -> list[str]:
        answer = await client.get("/control/requests", params=query)
        return [request["operation"] for request in answer.json()["requests"]]

    assert await operations() == ["sendMessage", "generateContent", "sendMessage"]
    assert await operations(platform="gemini") == ["generateContent"]
    assert await operations(since=clock().isoformat()) == ["generateContent", "sendMessage"]
    assert await operations(after=2) == ["sendMessage"]
    assert (await client.get("/control/requests?since=yesterday")).status_code == 422


async def test_an_added_customer_can_be_written_to_until_the_reset(
    client: httpx.AsyncClient,
) -> None:
    customers = [
        {"platform": "telegram", "chat": 9},
        {"platform": "whatsapp", "number": "34600100"},
    ]
    assert (await client.post("/control/customers", json=customers)).status_code == 204
    await telegram(client, "hola", chat=9)
    await client.post("/control/reset")
    answer = await client.post(f"{BOT}/sendMessage", json={"chat_id": 9, "text": "hola"})
    assert answer.json()["description"] == "Bad Request: chat not found"


@pytest.mark.parametrize(
    "customer",
    [
        {"platform": "signal", "chat": 1},
        {"platform": "whatsapp"},
        {"platform": "whatsapp", "number": "+34 600"},
        {"platform": "telegram", "chat": "x"},
    ],
)
async def test_a_customer_who_can_not_be_addressed_is_422(
    client: httpx.AsyncClient, customer: dict[str, Any]
) -> None:
    assert (await client.post("/control/customers", json=customer)).status_code == 422


async def test_a_reset_forgets_records_and_faults_and_goes_on_counting(
    client: httpx.AsyncClient,
) -> None:
    await telegram(client, "uno")
    await client.put("/control/faults/telegram", json={"kind": "broken"})
    after = (await messages(client))["next"]
    await client.post("/control/reset")
    assert texts(await messages(client)) == []
    await telegram(client, "dos")
    assert texts(await messages(client, after=after)) == ["dos"]


async def test_health_counts(client: httpx.AsyncClient) -> None:
    await telegram(client, "uno")
    health = (await client.get("/control/health")).json()
    assert (health["status"], health["requests"], health["messages"]) == ("ok", 1, 1)


def arrive(journal: Journal, body: bytes) -> None:
    journal.arrived(
        platform=Platform.GEMINI,
        method="POST",
        path="/",
        operation="",
        body=body,
        at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def message(index: int) -> MessageRecord:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return MessageRecord(index, 1, Platform.TELEGRAM, "bot", "chat", str(index), str(index), at)


def test_beyond_the_bound_of_records_the_oldest_go() -> None:
    journal = Journal(Bounds(records=3))
    for _ in range(5):
        arrive(journal, b"")
        journal.received(message(journal.next_message_index()))
    assert [record.index for record in journal.requests] == [3, 4, 5]
    assert [record.index for record in journal.messages] == [3, 4, 5]
    assert journal.forgotten == 4


def test_beyond_the_bound_of_bytes_the_oldest_go_and_the_newest_stays() -> None:
    journal = Journal(Bounds(body_bytes=10))
    for size in (6, 6, 4, 30):
        arrive(journal, b"x" * size)
    assert [record.index for record in journal.requests] == [4]
    arrive(journal, b"x")
    assert [record.index for record in journal.requests] == [5]
