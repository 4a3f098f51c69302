"""A platform that is told to fail does so, as often as it is told and no more."""

import asyncio
from typing import Any, Protocol

import httpx
import pytest

GRAPH = "/graph/v26.0/100000000000001/messages"
AUTHORIZED = {"Authorization": "Bearer whatsapp-demo-token"}
BOT = "/telegram/bot7000000001:telegram-demo-token-of-the-stand-in"


class Listener(Protocol):
    posted: asyncio.Event


async def arm(client: httpx.AsyncClient, platform: str, faults: Any) -> None:
    answer = await client.put(f"/control/faults/{platform}", json=faults)
    assert answer.status_code == 204, answer.text


async def whatsapp(client: httpx.AsyncClient, body: str = "Hola") -> httpx.Response:
    message = {"messaging_product": "whatsapp", "to": "1234567890", "text": {"body": body}}
    return await client.post(GRAPH, json=message, headers=AUTHORIZED)


async def telegram(client: httpx.AsyncClient, body: str = "Hola") -> httpx.Response:
    return await client.post(f"{BOT}/sendMessage", json={"chat_id": 123456, "text": body})


async def received(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await client.get("/control/messages")).json()["messages"]
    return messages


@pytest.mark.parametrize(("code", "status"), [(130429, 429), (131056, 400), (80007, 429), (4, 429)])
async def test_whatsapps_rate_limits_have_their_codes(
    client: httpx.AsyncClient, code: int, status: int
) -> None:
    await arm(client, "whatsapp", {"kind": "rate_limited", "code": code})
    answer = await whatsapp(client)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await received(client) == []


async def test_telegrams_rate_limit_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    await arm(client, "telegram", {"kind": "rate_limited", "retry_after": 5})
    answer = await telegram(client)
    assert answer.status_code == 429
    assert answer.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 5",
        "parameters": {"retry_after": 5},
    }
    assert await received(client) == []


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_broken_platform_accepts_nothing(client: httpx.AsyncClient, status: int) -> None:
    for platform, send in (("whatsapp", whatsapp), ("telegram", telegram)):
        await arm(client, platform, {"kind": "broken", "status": status})
        assert (await send(client)).status_code == status
    assert await received(client) == []


async def test_a_platform_refuses_with_any_code_of_its_own(client: httpx.AsyncClient) -> None:
    await arm(client, "whatsapp", {"kind": "refused", "code": 131026})
    answer = await whatsapp(client)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 131026)
    said = "Forbidden: bot was blocked by the user"
    await arm(client, "telegram", {"kind": "refused", "code": 403, "description": said})
    answer = await telegram(client)
    assert answer.status_code == 403
    assert answer.json() == {"ok": False, "error_code": 403, "description": said}
    assert await received(client) == []


async def test_a_fault_strikes_the_next_n_requests_and_then_no_more(
    client: httpx.AsyncClient,
) -> None:
    await arm(client, "whatsapp", {"kind": "broken", "count": 2})
    statuses = [(await whatsapp(client)).status_code for _ in range(4)]
    assert statuses == [503, 503, 200, 200]


async def test_a_fault_is_for_its_platform_only(client: httpx.AsyncClient) -> None:
    await arm(client, "whatsapp", {"kind": "broken"})
    assert (await telegram(client)).status_code == 200


async def test_a_fault_may_be_limited_to_an_operation(client: httpx.AsyncClient) -> None:
    await arm(client, "telegram", {"kind": "broken", "operations": ["sendMessage"]})
    typing = {"chat_id": 123456, "action": "typing"}
    assert (await client.post(f"{BOT}/sendChatAction", json=typing)).status_code == 200
    assert (await telegram(client)).status_code == 503
    await arm(client, "whatsapp", {"kind": "broken", "operations": ["messages"]})
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"}
    assert (await client.post(GRAPH, json=read, headers=AUTHORIZED)).status_code == 200
    # What a customer reads does not make it a read mark.
    assert (await whatsapp(client, "status")).status_code == 503


async def test_a_probability_strikes_the_same_requests_for_the_same_seed(
    client: httpx.AsyncClient,
) -> None:
    async def run(seed: int) -> list[int]:
        await arm(client, "telegram", {"kind": "broken", "probability": 0.5, "seed": seed})
        return [(await telegram(client)).status_code for _ in range(40)]

    first = await run(1)
    assert set(first) == {200, 503}
    assert await run(1) == first
    assert await run(2) != first


async def test_of_several_faults_the_first_that_is_drawn_strikes(client: httpx.AsyncClient) -> None:
    await arm(
        client,
        "telegram",
        [{"kind": "broken", "status": 500, "count": 1}, {"kind": "broken", "status": 502}],
    )
    assert [(await telegram(client)).status_code for _ in range(3)] == [500, 502, 502]


async def test_a_slow_platform_does_what_it_is_asked(client: httpx.AsyncClient) -> None:
    await arm(client, "telegram", {"kind": "slow", "delay": "PT0.001S"})
    assert (await telegram(client)).status_code == 200
    (request,) = (await client.get("/control/requests")).json()["requests"]
    assert (request["outcome"], request["reason"]) == ("accepted", "slow")


async def test_a_dropped_connection_accepts_nothing(client: httpx.AsyncClient) -> None:
    await arm(client, "whatsapp", {"kind": "drop"})
    with pytest.raises(ConnectionResetError):
        await whatsapp(client)
    assert await received(client) == []
    (request,) = (await client.get("/control/requests")).json()["requests"]
    assert (request["outcome"], request["status"], request["reason"]) == ("fault", None, "drop")


@pytest.mark.parametrize(("platform", "send"), [("whatsapp", whatsapp), ("telegram", telegram)])
async def test_a_request_that_hangs_is_accepted_and_never_answered(
    client: httpx.AsyncClient, platform: str, send: Any
) -> None:
    await arm(client, platform, {"kind": "hang", "count": 1})
    waiting = asyncio.ensure_future(send(client))
    answer = await client.get("/control/messages", params={"wait": 10})
    (message,) = answer.json()["messages"]
    assert message["answered"] is False
    assert not waiting.done()
    (request,) = (await client.get("/control/requests")).json()["requests"]
    assert (request["outcome"], request["status"], request["reason"]) == ("accepted", None, "hang")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_message_that_hangs_is_reported_by_its_status(
    client: httpx.AsyncClient, webhook: Listener
) -> None:
    await arm(client, "whatsapp", {"kind": "hang"})
    waiting = asyncio.ensure_future(whatsapp(client))
    async with asyncio.timeout(10):
        await webhook.posted.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_wrong_request_is_refused_even_when_the_platform_hangs(
    client: httpx.AsyncClient,
) -> None:
    await arm(client, "telegram", {"kind": "hang"})
    assert (await telegram(client, "")).status_code == 400


async def test_faults_are_shown_and_taken_away(client: httpx.AsyncClient) -> None:
    await arm(client, "whatsapp", {"kind": "broken", "count": 3})
    await whatsapp(client)
    shown = (await client.get("/control/faults")).json()
    assert shown == {"whatsapp": [{"kind": "broken", "count": 3, "left": 2}]}
    assert (await client.delete("/control/faults")).status_code == 204
    assert (await whatsapp(client)).status_code == 200


@pytest.mark.parametrize(
    ("platform", "fault"),
    [
        ("whatsapp", {"kind": "safety"}),
        ("signal", {"kind": "broken"}),
        ("telegram", {"kind": "sleepy"}),
        ("telegram", {"kind": "slow"}),
        ("telegram", {"kind": "refused"}),
        ("gemini", {"kind": "refused", "code": 400}),
        ("telegram", {"kind": "broken", "status": 200}),
        ("telegram", {"kind": "broken", "probability": 2}),
        ("telegram", {"kind": "broken", "often": True}),
    ],
)
async def test_a_fault_that_makes_no_sense_is_422(
    client: httpx.AsyncClient, platform: str, fault: dict[str, Any]
) -> None:
    assert (await client.put(f"/control/faults/{platform}", json=fault)).status_code == 422
    assert (await client.get("/control/faults")).json() == {}
