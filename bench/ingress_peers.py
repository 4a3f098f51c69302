"""pywa and aiogram as their documents have one receive webhooks; each message goes to Kafka.

It runs in the environment of requirements/peers.txt, so it imports nothing of Recado's. The write
is floor A's (`acks=all`, else aiokafka's defaults), and only id, sender and text are written: less
than any of the others.

- `pywa`: its routes on a FastAPI application. It answers, then has its handler called; the handler
  leaves the record to the producer and waits for nothing.
- `pywa-waiting`: its document for servers of other kinds, on FastAPI: the route has pywa check and
  handle the update, the handler waits until Kafka has acknowledged, then it answers. A handler that
  fails is only logged: it answers 200 all the same.
- `aiogram`: its webhook server on aiohttp with its default, handling in the background; the handler
  waits for nothing.

`PYTHON -m bench.ingress_peers --port P --bootstrap ADDRESS --topic TOPIC --peer NAME`
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Request, Response

from bench.ingress_requests import NUMBER, PATH, SECRET, TELEGRAM_PATH, TOKEN
from bench.ingress_uvicorn import serve


def pywa(bootstrap: str, topic: str, *, waiting: bool) -> FastAPI:
    """A FastAPI application with pywa's routes, or with one that waits."""
    from pywa_async import WhatsApp, utils
    from pywa_async.types import Message

    producers: list[AIOKafkaProducer] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
            producers.append(producer)
            yield

    app = FastAPI(lifespan=lifespan)
    client = WhatsApp(
        phone_id=NUMBER,
        token="token",
        server=None if waiting else app,
        webhook_endpoint=PATH,
        verify_token="token",
        app_secret=SECRET,
    )

    async def handle(_client: WhatsApp, message: Message) -> None:
        (producer,) = producers
        sender = message.from_user.wa_id or ""
        value = json.dumps([message.id, sender, message.text]).encode()
        acknowledged = await producer.send(topic, value, key=sender.encode())
        if waiting:
            await acknowledged

    client.on_message(handle)
    if waiting:

        @app.post(PATH)
        async def receive(request: Request) -> Response:
            update = await request.body()
            refusal = await client.webhook_update_validator(
                update, request.headers.get(utils.HUB_SIG)
            )
            content, status = refusal or await client.webhook_update_handler(update)
            return Response(content, status)

    return app


async def aiogram(bootstrap: str, topic: str, port: int) -> None:
    """aiogram's server, until stopped."""
    from aiogram import Bot, Dispatcher
    from aiogram.types import Message
    from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
    from aiohttp import web

    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        dispatcher = Dispatcher()

        async def handle(message: Message) -> None:
            chat = message.chat.id
            value = json.dumps([message.message_id, chat, message.text]).encode()
            await producer.send(topic, value, key=b"%d" % chat)

        dispatcher.message()(handle)
        bot = Bot("1:token")
        app = web.Application()
        SimpleRequestHandler(dispatcher, bot, secret_token=TOKEN).register(app, path=TELEGRAM_PATH)
        setup_application(app, dispatcher, bot=bot)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--peer", choices=("pywa", "pywa-waiting", "aiogram"), required=True)
    given: Any = parser.parse_args()
    if given.peer == "aiogram":
        uvloop.run(aiogram(given.bootstrap, given.topic, given.port))
    else:
        serve(
            pywa(given.bootstrap, given.topic, waiting=given.peer == "pywa-waiting"),
            given.port,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
