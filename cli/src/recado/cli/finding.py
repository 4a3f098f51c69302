"""All records of a conversation, or of one message, found in the topics by any of its names.

What is keyed by conversation is in one partition of each topic, so where the conversation is known
only that is read; for the id of something all partitions of its topic are, until it is found. A
webhook is found by its id, near the time of its messages. Nothing is read beyond `since`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from recado.channels.registry import CHANNELS
from recado.cli.belonging import about, anchors_of, last_of, names_of
from recado.cli.letters import letter_of
from recado.cli.output import CliError
from recado.cli.reading import Stretch, merged, partition_of, spans_of
from recado.cli.records import reader
from recado.cli.story import event_of
from recado.schemas import events, topics
from recado.servicekit.merging import Span, Spans
from recado.servicekit.settings import KafkaSettings
from recado_lanes.record import Record

KEYED = (topics.MESSAGES, topics.ANSWERS, topics.DELIVERIES, topics.STATUSES)
"""What is keyed by conversation, in the order in which an id is looked for."""

LETTERS = tuple(topics.dead_letters(service) for service in ("rag", "dispatcher"))

NEAR = timedelta(minutes=2)
"""How far a webhook's record may be from its message, by their times: its clock is ingress's."""

_CONVERSATION = re.compile(rf"(?:{'|'.join(CHANNELS)}):[^:]+:.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: a conversation's key, or the id of something; and the time."""

    name: str
    since: datetime
    until: datetime | None = None
    limit: int = 20
    """How many of a conversation's last messages."""

    @property
    def is_conversation(self) -> bool:
        """Whether it has the form of a conversation's key."""
        return _CONVERSATION.fullmatch(self.name) is not None

    @property
    def id(self) -> UUID | None:
        """The id, where it has the form of one of ours."""
        try:
            return UUID(self.name)
        except ValueError:
            return None

    def takes(self, record: Record) -> bool:
        """Whether the record is of the time that is asked for."""
        return record.timestamp >= self.since and (
            self.until is None or record.timestamp < self.until
        )


@dataclass(slots=True)
class Found:
    """One conversation's records."""

    conversation: str | None
    """None for a webhook that holds nothing of any conversation."""
    records: list[Record] = field(default_factory=list)
    earlier: int = 0
    """Messages left out, for there is a limit."""


async def find(settings: KafkaSettings, asked: Asked) -> list[Found]:
    """What is asked for, by conversation: a webhook may hold messages of several.

    Raises `CliError` where there is nothing.
    """
    names = [topic.name for topic in (*KEYED, topics.WEBHOOKS, *LETTERS)]
    async with reader(settings, *names) as consumer:
        if asked.is_conversation:
            found = [await _conversation(consumer, asked, asked.name, None)]
        else:
            places = await _look_for(consumer, asked)
            found = [
                await _conversation(consumer, asked, conversation, ids)
                for conversation, ids in places.items()
            ]
            if not found and asked.id is not None:
                near = await _by_key(consumer, asked, str(asked.id))
                found = [Found(None, near)] if near else []
    found = [one for one in found if one.records]
    if not found:
        raise CliError(
            f"Nothing in the topics is called {asked.name!r} since "
            f"{asked.since.astimezone():%Y-%m-%d %H:%M}; --since looks further back."
        )
    return found


async def _look_for(consumer: AIOKafkaConsumer, asked: Asked) -> dict[str, set[UUID]]:
    """The conversations in which an event has this name, and the ids of those events."""
    needle = asked.name.encode()
    found: dict[str, set[UUID]] = {}
    for topic in KEYED:
        spans = await spans_of(consumer, topic.name, Stretch(since=asked.since, until=asked.until))
        async for record in merged(consumer, spans):
            # To look for the bytes is much quicker than to read every event.
            if needle not in (record.value or b"") or not asked.takes(record):
                continue
            event = event_of(record)
            if event is not None and asked.name in names_of(event):
                conversation, ids = anchors_of(event)
                found.setdefault(conversation, set()).update(ids)
        if found:
            return found
    return found


async def _conversation(
    consumer: AIOKafkaConsumer, asked: Asked, conversation: str, ids: set[UUID] | None
) -> Found:
    key = conversation.encode()
    stretch = Stretch(
        since=asked.since,
        until=asked.until,
        partition=partition_of(conversation, topics.CONVERSATION_PARTITIONS),
    )
    records: list[Record] = []
    for topic in KEYED:
        spans = await spans_of(consumer, topic.name, stretch)
        records += await _read(
            consumer, spans, lambda record: record.key == key and asked.takes(record)
        )
    found = Found(conversation)
    if ids is None:
        found.records, found.earlier = last_of(records, asked.limit)
    else:
        found.records = about(records, ids)
    webhooks = {
        event.webhook_id: event.occurred_at
        for event in map(event_of, found.records)
        if isinstance(event, events.MessageReceived)
    }
    found.records += await _webhooks(consumer, webhooks)
    found.records += await _letters(consumer, found.records, None if ids else key)
    return found


async def _webhooks(consumer: AIOKafkaConsumer, wanted: Mapping[UUID, datetime]) -> list[Record]:
    """The webhooks with these ids, each looked for near its time in the partition of its id."""
    found: dict[bytes | None, Record] = {}
    for webhook, at in wanted.items():
        key = str(webhook).encode()
        if key in found:
            continue
        partition = partition_of(str(webhook), topics.WEBHOOKS.partitions)
        spans = await _around(consumer, topics.WEBHOOKS.name, partition, at)
        async with aclosing(merged(consumer, spans)) as records:
            async for record in records:
                if record.key == key:
                    found.setdefault(key, record)
                    break
    return list(found.values())


async def _around(consumer: AIOKafkaConsumer, topic: str, partition: int, at: datetime) -> Spans:
    """What was written about then. The writer sets these times, so they only nearly rise."""
    begin = await spans_of(consumer, topic, Stretch(since=at - NEAR, partition=partition))
    end = await spans_of(consumer, topic, Stretch(since=at + NEAR, partition=partition))
    return {
        one: Span(span.start, end[one].start if one in end else span.end)
        for one, span in begin.items()
    }


async def _by_key(consumer: AIOKafkaConsumer, asked: Asked, key: str) -> list[Record]:
    """The webhook with this id, whenever it came."""
    partition = partition_of(key, topics.WEBHOOKS.partitions)
    stretch = Stretch(since=asked.since, partition=partition)
    spans = await spans_of(consumer, topics.WEBHOOKS.name, stretch)
    return await _read(consumer, spans, lambda record: record.key == key.encode())


async def _letters(
    consumer: AIOKafkaConsumer, records: Collection[Record], key: bytes | None
) -> list[Record]:
    """Dead letters of these records; with a key, of all records with it, from the first on."""
    positions = {one.position for one in records}
    if not records:
        return []
    since = min(one.timestamp for one in records) - NEAR

    def is_ours(record: Record) -> bool:
        letter = letter_of(record)
        return letter is not None and (
            letter.origin in positions or (key is not None and record.key == key)
        )

    found: list[Record] = []
    for topic in LETTERS:
        spans = await spans_of(consumer, topic.name, Stretch(since=since))
        found += await _read(consumer, spans, is_ours)
    return found


async def _read(
    consumer: AIOKafkaConsumer, spans: Spans, wanted: Callable[[Record], bool]
) -> list[Record]:
    return [record async for record in merged(consumer, spans) if wanted(record)]
