"""An answer that a platform refused is found by the command, and driven again."""

import json

import httpx

from e2e.customers import on_telegram
from recado.schemas import topics
from recado.schemas.events import AnswerNotDelivered
from support.command import recado
from support.world import World, eventually


async def test_a_refused_answer_is_driven_again_and_arrives(world: World) -> None:
    """Once the platform takes it; until then it is listed with its reason."""
    (chat,) = await world.new_chats(1)
    conversation = f"telegram:telegram-demo:{chat}"
    fault = {"kind": "refused", "code": 400, "count": 1, "operations": ["sendMessage"]}
    await world.control("PUT", "/faults/telegram", json=[fault | {"description": "Bad Request"}])
    try:
        async with httpx.AsyncClient(timeout=20) as http:
            for post in on_telegram(chat, "¿Por qué mi internet está lento?").posts:
                assert (await world.post(http, post)).status_code == 200

        async def refused() -> bool:
            outcomes = await world.events(topics.DELIVERIES, AnswerNotDelivered)
            return any(one.conversation == conversation for one in outcomes)

        await eventually(refused, "the refusal")
    finally:
        await world.control("PUT", "/faults/telegram", json=[])

    asked = ("undelivered", "--conversation", conversation, "--json")
    shown, _ = await recado(world.environment, *asked)
    (told,) = json.loads(shown)["undelivered"]
    assert told["reason"] == "refused"
    shown, _ = await recado(world.environment, *asked, "--redrive")
    assert json.loads(shown)["to_drive_again"] == [told["answer_id"]]
    assert await world.received("telegram", str(chat)) == []

    await recado(world.environment, *asked, "--redrive", "--yes")

    async def arrived() -> bool:
        return len(await world.received("telegram", str(chat))) == 1

    await eventually(arrived, "the answer, driven again")
    await world.settle()
    shown, _ = await recado(world.environment, *asked)
    assert json.loads(shown)["undelivered"] == []
    _, wrong = await recado(world.environment, "undelivered", "--yes", status=2)
    assert "Without --redrive nothing is sent" in wrong
