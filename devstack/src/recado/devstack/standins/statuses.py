"""Posts WhatsApp's status webhooks, and the handshake that Meta makes before the first.

Promise: each accepted message is reported once per status (`sent`, `delivered`), with the callback
data it was sent with, signed with the app secret over the raw body. Several reports go in one post,
as Meta does (up to 1,000). A post that is not answered with 200 is repeated, with growing pauses,
a set number of times (Meta: for 7 days), while others go on; then it is given up and counted.
No order is promised. Reports beyond the bound of the queue are dropped and counted.

Sources ("MD/": Meta's developer documents on business messaging / WhatsApp):
MD/webhooks/create-webhook-endpoint, MD/webhooks/reference/messages/status,
MD/business-scoped-user-ids (`recipient_user_id`).
"""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import httpx
from pydantic import JsonValue

from recado.devstack.standins.config import WhatsAppConfig

_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message that was accepted, to be reported."""

    phone_number_id: str
    message_id: str
    number: str | None
    user_id: str | None
    callback_data: str | None
    at: datetime


@dataclass(slots=True)
class Tally:
    """What became of the reports since the last reset, in statuses (not posts)."""

    posted: int = 0
    given_up: int = 0
    dropped: int = 0
    repeats: int = 0


class StatusSender:
    """Reports receipts to the configured webhook; without an address it reports nothing."""

    def __init__(self, config: WhatsAppConfig, client: httpx.AsyncClient) -> None:
        self._config = config
        self._settings = config.webhook
        self._client = client
        self._queue: asyncio.Queue[Receipt] = asyncio.Queue(self._settings.waiting)
        self._display = {number.id: number.display for number in config.phone_numbers}
        self.tally = Tally()

    def report(self, receipt: Receipt) -> None:
        """Have a receipt reported; returns at once."""
        if self._settings.url is None:
            return
        try:
            self._queue.put_nowait(receipt)
        except asyncio.QueueFull:
            self.tally.dropped += len(self._settings.statuses)

    async def run(self) -> None:
        """Report until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(_WORKERS):
                workers.create_task(self._work())

    def reset(self) -> None:
        """Forget what waits to be reported, and the counts."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self.tally = Tally()

    async def handshake(self) -> bool:
        """Verify the webhook address as Meta does: is the challenge echoed with status 200?

        Raises httpx.HTTPError when the address can't be reached, ValueError when none is set.
        """
        if self._settings.url is None:
            raise ValueError("no webhook address is configured")
        challenge = secrets.token_hex(8)
        response = await self._client.get(
            self._settings.url,
            params={
                "hub.mode": "subscribe",
                "hub.verify_token": self._config.verify_token.get_secret_value(),
                "hub.challenge": challenge,
            },
            timeout=self._settings.timeout.total_seconds(),
        )
        return response.status_code == httpx.codes.OK and response.text == challenge

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            await asyncio.sleep(self._settings.linger.total_seconds())
            while len(batch) * len(self._settings.statuses) < self._settings.per_post:
                try:
                    batch.append(self._queue.get_nowait())
                except asyncio.QueueEmpty:
                    break
            await self._post(batch)

    async def _post(self, batch: list[Receipt]) -> None:
        body = json.dumps(self._payload(batch)).encode()
        statuses = len(batch) * len(self._settings.statuses)
        pause = self._settings.first_pause.total_seconds()
        for again in range(self._settings.tries):
            if again:
                self.tally.repeats += 1
                await asyncio.sleep(pause)
                pause *= 2
            if await self._taken(body):
                self.tally.posted += statuses
                return
        self.tally.given_up += statuses

    async def _taken(self, body: bytes) -> bool:
        secret = self._config.app_secret.get_secret_value().encode()
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        try:
            response = await self._client.post(
                self._settings.url or "",
                content=body,
                headers={
                    "Content-Type": "application/json",
                    "X-Hub-Signature-256": f"sha256={signature}",
                },
                timeout=self._settings.timeout.total_seconds(),
            )
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK

    def _payload(self, batch: list[Receipt]) -> dict[str, JsonValue]:
        by_number: defaultdict[str, list[JsonValue]] = defaultdict(list)
        for receipt in batch:
            by_number[receipt.phone_number_id] += [
                _status(receipt, status) for status in self._settings.statuses
            ]
        changes: list[JsonValue] = [
            {
                "field": "messages",
                "value": {
                    "messaging_product": "whatsapp",
                    "metadata": {
                        "display_phone_number": self._display[number],
                        "phone_number_id": number,
                    },
                    "statuses": statuses,
                },
            }
            for number, statuses in by_number.items()
        ]
        return {
            "object": "whatsapp_business_account",
            "entry": [{"id": self._config.business_account_id, "changes": changes}],
        }


def _status(receipt: Receipt, status: str) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {
        "id": receipt.message_id,
        "status": status,
        "timestamp": str(int(receipt.at.timestamp())),
    }
    if receipt.number is not None:
        told["recipient_id"] = receipt.number
    if receipt.user_id is not None:
        told["recipient_user_id"] = receipt.user_id
    if receipt.callback_data is not None:
        told["biz_opaque_callback_data"] = receipt.callback_data
    return told
