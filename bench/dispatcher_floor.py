"""The floor of the dispatcher benchmark: a post and the writes of a delivery, and nothing else.

One process: `httpx` posts a text to the platform's stand-in, and motor makes `WRITES` writes of one
document each, acknowledged like the dispatcher's, every one by itself and one after another. What
is claimed before the post and told after it is so for everybody who sends once; here nothing is
looked at, guarded, formatted, read from Kafka or published.

`python -m bench.dispatcher_floor STANDINS MONGODB FIRST ANSWERS UNDER_WAY` prints seconds and CPU
seconds as JSON.
"""

import asyncio
import json
import sys
import time
from typing import Any, Final

import httpx
from motor.motor_asyncio import AsyncIOMotorClient

from bench.dispatcher_events import TEXT, answer
from recado.devstack.stack.integrations import TELEGRAM_BOT_TOKEN, WHATSAPP_ACCESS_TOKEN
from recado.devstack.stack.integrations import WHATSAPP_PHONE_NUMBER_ID as NUMBER_ID
from recado.schemas.base import Platform

BEFORE: Final = ("messages", "deliveries")
AFTER: Final = ("deliveries", "messages", "conversations")
WRITES: Final = len(BEFORE) + len(AFTER)
"""The message's mark and the claim; the result, the answer's row, the conversation's turn."""

WARM_UP: Final = 20


async def main(standins: str, mongodb: str, first: int, answers: int, under_way: int) -> None:
    """Do so many and tell what it took."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        mongodb, w="majority", journal=True
    )
    database = client["floor"]
    limits = httpx.Limits(max_connections=under_way, max_keepalive_connections=under_way)
    async with httpx.AsyncClient(base_url=standins, limits=limits, timeout=30) as http:

        async def write(collection: str, number: int) -> None:
            await database[collection].update_one(
                {"_id": f"{number}"}, {"$set": {"text": TEXT, "state": collection}}, upsert=True
            )

        async def one(number: int) -> None:
            for collection in BEFORE:
                await write(collection, number)
            path, headers, body = _request(number)
            response = await http.post(path, headers=headers, json=body)
            response.raise_for_status()
            response.json()
            for collection in AFTER:
                await write(collection, number)

        async def some(numbers: range) -> None:
            left = iter(numbers)

            async def worker() -> None:
                for number in left:
                    await one(number)

            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(under_way, len(numbers))):
                    tasks.create_task(worker())

        await some(range(first, first + WARM_UP))
        began, cpu = time.perf_counter(), time.process_time()
        await some(range(first + WARM_UP, first + WARM_UP + answers))
        took = {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
        }
    client.close()
    sys.stdout.write(json.dumps(took) + "\n")


def _request(number: int) -> tuple[str, dict[str, str], dict[str, object]]:
    to = answer(number).reply_to
    if to.platform == Platform.TELEGRAM:
        path = f"/telegram/bot{TELEGRAM_BOT_TOKEN}/sendMessage"
        return path, {}, {"chat_id": int(to.chat), "text": TEXT}
    body: dict[str, object] = {
        "messaging_product": "whatsapp",
        "to": to.chat,
        "type": "text",
        "text": {"body": TEXT},
    }
    authorization = {"authorization": f"Bearer {WHATSAPP_ACCESS_TOKEN}"}
    return f"/graph/v26.0/{NUMBER_ID}/messages", authorization, body


if __name__ == "__main__":
    _, address, store, *numbers = sys.argv
    asyncio.run(main(address, store, *(int(number) for number in numbers)))
