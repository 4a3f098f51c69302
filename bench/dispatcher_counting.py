"""What the dispatcher asks of MongoDB for an event: its requests, counted by the driver.

The dispatcher's core is in this process, with the store and MongoDB of the benchmark, a platform
that takes everything, and a Kafka that acknowledges everything. Events of one kind are handled one
after another, and so many at once; each is a customer's first.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Final
from uuid import uuid4

from pymongo import monitoring

from bench.dispatcher_events import answer, message, report, webhook
from recado.channels.contract import Integration, Limits, Part, Sender
from recado.dispatcher.attending import Attention
from recado.dispatcher.core import build, now
from recado.dispatcher.gathered import GatheredDocuments
from recado.dispatcher.settings import DispatcherSettings
from recado.dispatcher.stopped import Stopped
from recado.dispatcher.store import MongoDocuments, prepare
from recado.dispatcher.throttling import Throttle
from recado.schemas.conversations import ReplyTo
from recado.schemas.encoding import encode
from recado.schemas.events import AnswerDelivered, AnswerNotDelivered, Event
from recado.schemas.webhooks import DeliveryStatus
from recado.servicekit import logs
from recado_lanes import Record

ONE_BY_ONE: Final = 10
AT_ONCE: Final = 240

REPORTS: Final = (DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ)
"""Of each message that is sent; every one comes in a webhook."""

WHOLE: Final[Mapping[str, int]] = {"message": 1, "answer": 1, "report": 3, "webhook": 4}
"""What a message makes, with its answer and what the platform reports of it."""


class _Requests(monitoring.CommandListener):
    """Counts requests, whatever the driver does beside them."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.names[event.command_name] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


class _Platform:
    """Takes every part."""

    def sender(self, reply_to: ReplyTo) -> Sender:
        del reply_to
        return self

    def attentive(self, reply_to: ReplyTo) -> None:
        del reply_to

    def integration(self, reply_to: ReplyTo) -> Integration | None:
        del reply_to
        return None

    def limits(self, reply_to: ReplyTo) -> Limits:
        del reply_to
        return Limits()

    async def send(
        self,
        reply_to: ReplyTo,
        part: Part,
        *,
        callback_data: str,
        quoted_message_id: str | None = None,
    ) -> str:
        del reply_to, part, callback_data, quoted_message_id
        return uuid4().hex


async def requests(mongodb: str) -> dict[str, dict[str, float]]:
    """By kind of event, requests for each: `one by one` and `at once`."""
    logs.configure("bench", "WARNING", "console")
    listener = _Requests()
    database = f"counting-{uuid4().hex[:8]}"
    await prepare(mongodb, database)
    settings = DispatcherSettings()
    documents = MongoDocuments(mongodb, database, connections=2 * AT_ONCE, listeners=(listener,))
    gathered = GatheredDocuments(documents)
    platform = _Platform()
    handlers = build(
        settings,
        gathered,
        platform,
        _acknowledged,
        Throttle(platform.limits, monotonic),
        Stopped(monotonic),
        Attention(platform, gathered, now, typing=False),
    )
    slots = asyncio.Semaphore(settings.concurrency)

    async def handle(event: Event, offset: int) -> None:
        encoded = encode(event, source="bench")
        record = Record(
            encoded.topic,
            0,
            offset,
            encoded.key,
            encoded.value,
            encoded.headers,
            event.occurred_at,
        )
        async with slots:
            await handlers.handle(record)

    async def count(events: Iterable[Event], *, together: bool) -> float:
        listener.names.clear()
        handled = list(enumerate(events))
        if together:
            async with asyncio.TaskGroup() as tasks:
                for offset, event in handled:
                    tasks.create_task(handle(event, offset))
        else:
            for offset, event in handled:
                await handle(event, offset)
        return listener.names.total() / len(handled)

    counted: dict[str, dict[str, float]] = {}
    groups = (range(ONE_BY_ONE), range(ONE_BY_ONE, ONE_BY_ONE + AT_ONCE))
    try:
        for kind, made in _KINDS.items():
            one_by_one, at_once = (
                [event for number in numbers for event in made(number)] for numbers in groups
            )
            counted[kind] = {
                "one by one": await count(one_by_one, together=False),
                "at once": await count(at_once, together=True),
            }
    finally:
        await gathered.close()
        documents.close()
    counted["message, whole"] = {
        way: sum(times * counted[kind][way] for kind, times in WHOLE.items())
        for way in ("one by one", "at once")
    }
    return counted


_KINDS: Final[Mapping[str, Callable[[int], Sequence[Event]]]] = {
    "webhook": lambda number: [webhook(number)],
    "message": lambda number: [message(number)],
    "answer": lambda number: [answer(number)],
    "report": lambda number: [report(number, status) for status in REPORTS],
}
"""In the order in which they come."""


async def _acknowledged(event: AnswerDelivered | AnswerNotDelivered) -> None:
    del event
