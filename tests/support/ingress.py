"""Ingress as its own process, what the platforms send it, and what it writes."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import JsonValue

from recado.schemas.encoding import decode
from recado.schemas.events import Event
from recado.schemas.topics import MESSAGES, STATUSES, WEBHOOKS
from recado.schemas.webhooks import WebhookReceived

APP_SECRET = "app-secret-of-the-tests"
VERIFY_TOKEN = "verify-token-of-the-tests"
SECRET_TOKEN = "secret-token-of-the-tests"
PHONE_NUMBER_ID = "100000000000001"

WHATSAPP = "/api/integrations/webhooks/whatsapp/"
TELEGRAM = "/api/integrations/webhooks/telegram/"

INTEGRATIONS = f"""
integrations:
  - name: main
    platform: whatsapp
    phone_number_id: "{PHONE_NUMBER_ID}"
    access_token: token
    app_secret: ${{APP_SECRET}}
    verify_token: {VERIFY_TOKEN}
  - name: bot
    platform: telegram
    bot_token: "1:token"
    secret_token: {SECRET_TOKEN}
"""

PATIENCE = 30.0
"""Seconds that a test waits for what must come; a test that passes never waits so long."""


@dataclass
class Ingress:
    """A running ingress process."""

    process: asyncio.subprocess.Process
    http: httpx.AsyncClient
    bootstrap: str
    log: Path

    async def post(
        self, content: JsonValue = None, *, body: bytes | None = None, signature: str | None = None
    ) -> httpx.Response:
        """Post to WhatsApp's address, signed as Meta signs."""
        if body is None:
            body = json.dumps(content).encode()
        if signature is None:
            signature = sign(body)
        return await self.http.post(
            WHATSAPP,
            content=body,
            headers={
                b"Content-Type": b"application/json",
                b"X-Hub-Signature-256": signature.encode(),
            },
        )

    async def update(self, content: JsonValue, *, secret: str = SECRET_TOKEN) -> httpx.Response:
        """Post a Telegram update."""
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        return await self.http.post(TELEGRAM, json=content, headers=headers)

    async def until_ready(self, *, ready: bool = True) -> None:
        """Wait until `/readyz` says so."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if (await self.http.get("/readyz")).is_success is ready:
                    return
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def events(self) -> list[Event]:
        """Everything in the topics that ingress writes."""
        return await read_all(self.bootstrap)


def sign(body: bytes, secret: str = APP_SECRET) -> str:
    """Meta's signature: the header's value."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def message(sender: str, text: str = "Hola", *, wamid: str | None = None) -> dict[str, JsonValue]:
    """A WhatsApp text message."""
    return {
        "from": sender,
        "id": wamid or f"wamid.{uuid.uuid4().hex}",
        "timestamp": "1790000000",
        "type": "text",
        "text": {"body": text},
    }


def status(recipient: str, *, wamid: str | None = None) -> dict[str, JsonValue]:
    """A WhatsApp report on a message that was sent."""
    return {
        "id": wamid or f"wamid.{uuid.uuid4().hex}",
        "status": "delivered",
        "timestamp": "1790000000",
        "recipient_id": recipient,
    }


def change(
    *messages: dict[str, JsonValue],
    statuses: tuple[dict[str, JsonValue], ...] = (),
    number: str = PHONE_NUMBER_ID,
) -> dict[str, JsonValue]:
    """A WhatsApp change of the field `messages`."""
    value: dict[str, JsonValue] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "34900000000", "phone_number_id": number},
    }
    if messages:
        value["messages"] = list(messages)
    if statuses:
        value["statuses"] = list(statuses)
    return {"field": "messages", "value": value}


def body(*entries: list[dict[str, JsonValue]]) -> dict[str, JsonValue]:
    """A WhatsApp body: each entry is a list of changes."""
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": list[JsonValue](changes)} for changes in entries],
    }


def unique() -> str:
    """Something that is in no other test's payload."""
    return uuid.uuid4().hex


def webhooks(events: Iterable[Event], mark: str) -> list[WebhookReceived]:
    """The records of the requests with `mark` in their payload."""
    return [one for one in events if isinstance(one, WebhookReceived) and mark in one.payload]


async def read_all(bootstrap: str) -> list[Event]:
    """Everything in the topics that ingress writes, in no order across partitions."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic.name, number)
            for topic in (WEBHOOKS, MESSAGES, STATUSES)
            for number in range(topic.partitions)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        events: list[Event] = []
        async with asyncio.timeout(2 * PATIENCE):
            while any([await consumer.position(one) < ends[one] for one in partitions]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    events.extend(decode(record.headers, record.value) for record in records)
        return events
    finally:
        await consumer.stop()


@asynccontextmanager
async def run_ingress(
    bootstrap: str, folder: Path, *, integrations: str = INTEGRATIONS, **environment: str
) -> AsyncIterator[Ingress]:
    """`python -m recado.ingress` on a free port until the end of the block; then it is killed.

    `environment` holds further settings by their names without `RECADO_`, in lower case.
    """
    log = folder / "ingress.log"
    process = await start_process(bootstrap, folder, integrations=integrations, **environment)
    try:
        port = await _port(log, process)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
            yield Ingress(process, http, bootstrap, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def start_process(
    bootstrap: str, folder: Path, *, integrations: str = INTEGRATIONS, **environment: str
) -> asyncio.subprocess.Process:
    """The process of `run_ingress`, for one that is not expected to serve."""
    file = folder / "integrations.yaml"
    file.write_text(integrations)
    inherited = {name: value for name, value in os.environ.items() if name[:7] != "RECADO_"}
    given = {f"RECADO_{name.upper()}": value for name, value in environment.items()}
    with (folder / "ingress.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "recado.ingress"),
            env=inherited
            | {
                "RECADO_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
                "RECADO_INTEGRATIONS_FILE": str(file),
                "RECADO_PORT": "0",
                "APP_SECRET": APP_SECRET,
            }
            | given,
            stderr=log,
        )


async def _port(log: Path, process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(PATIENCE):
        while True:
            text = await asyncio.to_thread(log.read_text)
            if found := re.search(r'"port": (\d+)', text):
                return int(found[1])
            if process.returncode is not None:
                raise RuntimeError(f"ingress ended with {process.returncode}: {text}")
            await asyncio.sleep(0.05)
