"""Answers straight into the topic, two dispatchers that send them, and eyes on what came of it.

Statuses take the way they take in production: the stand-in posts them to ingress.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from recado.cli.records import reader
from recado.devstack.stack.integrations import TELEGRAM_NAME, WHATSAPP_NAME
from recado.devstack.stack.ports import free_port
from recado.devstack.stack.services import Service
from recado.dispatcher.delivery import Delivery, PartState
from recado.schemas import ids, topics
from recado.schemas.answers import Rung, Timings
from recado.schemas.base import Platform
from recado.schemas.conversations import Recipient, ReplyTo, User
from recado.schemas.encoding import decode
from recado.schemas.events import (
    AnswerDelivered,
    AnswerGenerated,
    AnswerNotDelivered,
    Event,
    MessageReceived,
)
from recado.schemas.webhooks import MessageKind
from recado.servicekit.kafka import Publisher, make_event_producer
from recado.servicekit.settings import KafkaSettings
from support.world import World, eventually, stack_in, world_of

AT_ONCE = 500
"""So many events are given to the producer in one call."""

Claim = tuple[str, int, int]
"""A claim in the ledger: answer, part, attempt."""


@dataclass(frozen=True)
class Conversation:
    """A customer's, with the answers to it in their order."""

    reply_to: ReplyTo
    question: MessageReceived
    answers: tuple[AnswerGenerated, ...]


def conversations(count: int, deep: int) -> list[Conversation]:
    """So many conversations with `deep` answers each; WhatsApp and Telegram take turns."""
    return [_conversation(number, deep) for number in range(count)]


def _conversation(number: int, deep: int) -> Conversation:
    if number % 2:
        reply_to = ReplyTo(
            platform=Platform.TELEGRAM,
            integration=TELEGRAM_NAME,
            chat=str(730_000 + number),
            recipient=Recipient.CHAT,
        )
    else:
        reply_to = ReplyTo(
            platform=Platform.WHATSAPP,
            integration=WHATSAPP_NAME,
            chat=f"3463{number:07d}",
            recipient=Recipient.PHONE,
        )
    key = ids.conversation_key(reply_to.platform, reply_to.integration, reply_to.chat)
    now = datetime.now(UTC)

    def message_id(step: int) -> UUID:
        return ids.message_id(reply_to.integration, "message", reply_to.chat, str(step))

    question = MessageReceived(
        id=message_id(0),
        occurred_at=now,
        sent_at=now,
        conversation=key,
        reply_to=reply_to,
        user=User(id=reply_to.chat, name="Ana"),
        platform_message_id="1",
        kind=MessageKind.TEXT,
        platform_kind="text",
        text="¿Qué planes tienen?",
        webhook_id=ids.answer_id([message_id(0)]),
    )
    answers = tuple(
        AnswerGenerated(
            id=ids.answer_id([message_id(step)]),
            occurred_at=now + timedelta(milliseconds=step),
            conversation=key,
            reply_to=reply_to,
            message_ids=(message_id(step),),
            text=f"Respuesta {step} en la conversación {number}.",
            rung=Rung.GROUNDED,
            timings=Timings(total=timedelta(seconds=1)),
            received_at=now,
            deadline=now + timedelta(hours=1),
        )
        for step in range(deep)
    )
    return Conversation(reply_to, question, answers)


@dataclass
class Kill:
    """One kill -9, and the claims that nobody could end any more."""

    answers_delivered: int
    in_flight: frozenset[Claim] = frozenset()


@dataclass
class Pair:
    """The running pair and its world."""

    world: World
    dispatchers: Sequence[Service]
    outcomes: dict[UUID, AnswerDelivered | AnswerNotDelivered] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, events: Sequence[Event]) -> None:
        """Into their topics, in order; returns when Kafka has acknowledged them."""
        settings = KafkaSettings(
            kafka_bootstrap_servers=self.world.settings.kafka_bootstrap_servers
        )
        producer = make_event_producer(settings, "test")
        await producer.start()
        try:
            for start in range(0, len(events), AT_ONCE):
                await Publisher(producer, "test").publish(*events[start : start + AT_ONCE])
        finally:
            await producer.stop()

    async def begin(self, talks: Sequence[Conversation]) -> None:
        """Have every customer known to the platforms, and their question recorded."""
        whatsapp = [one.reply_to.chat for one in talks if one.reply_to.platform == "whatsapp"]
        telegram = [int(one.reply_to.chat) for one in talks if one.reply_to.platform == "telegram"]
        await self.world.make_known(whatsapp, telegram)
        await self.publish([one.question for one in talks])
        wanted = {one.question.conversation for one in talks}

        async def recorded() -> bool:
            return {row["_id"] for row in await self.world.rows("conversations")} >= wanted

        await eventually(recorded, "every question recorded")

    async def follow(self, answers: int, within: timedelta) -> None:
        """Read what became of answers until it is known of so many, or the time is over."""
        async with (
            asyncio.timeout(within.total_seconds()),
            reader(self.world.settings, topics.DELIVERIES.name) as consumer,
        ):
            while len(self.outcomes) < answers:
                await self._read(consumer)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            for record in records:
                event = decode(record.headers, record.value)
                if isinstance(event, AnswerDelivered | AnswerNotDelivered):
                    self.outcomes.setdefault(event.answer_id, event)
        self._more.set()

    async def until(self, answers: int) -> None:
        """Return when the outcome of so many answers is known."""
        while len(self.outcomes) < answers:
            self._more.clear()
            await self._more.wait()

    async def kill_at(self, moments: Sequence[int], draw: random.Random) -> None:
        """SIGKILL one of the two each time so many answers are done, and start it a second later.

        At a random time after that: the other may still be starting, so that for a while none runs.
        """
        busy: set[Service] = set()
        free = asyncio.Condition()

        async def start_again(service: Service, kill: Kill) -> None:
            claimed = await self._claims()
            await asyncio.sleep(1)
            # What lives has ended its claims of before by now, or the moment has not mattered.
            kill.in_flight = frozenset(claimed & await self._claims())
            await service.start()
            busy.discard(service)
            async with free:
                free.notify_all()

        async with asyncio.TaskGroup() as starts:
            for moment in moments:
                await self.until(moment)
                await asyncio.sleep(draw.uniform(0, 0.4))
                async with free:
                    await free.wait_for(lambda: not busy.issuperset(self.dispatchers))
                victim = draw.choice([one for one in self.dispatchers if one not in busy])
                busy.add(victim)
                await victim.kill9()
                kill = Kill(len(self.outcomes))
                self.kills.append(kill)
                starts.create_task(start_again(victim, kill))

    async def _claims(self) -> set[Claim]:
        """The claims that are in the ledger now, of sends to Telegram."""
        rows = await self.world.rows("deliveries", {"outcome": None, "platform": "telegram"})
        entries = [Delivery.model_validate(dict(row)) for row in rows]
        return {
            (entry.id, number, part.attempt)
            for entry in entries
            for number, part in enumerate(entry.parts)
            if part.state is PartState.CLAIMED
        }


@asynccontextmanager
async def dispatcher_pair(
    directory: Path, environment: Mapping[str, str], settings: Mapping[str, str]
) -> AsyncIterator[Pair]:
    """Ingress, two dispatchers and what they stand on, running; everything ended in the end."""
    services = ("ingress", "dispatcher")
    stack = stack_in(directory, environment=environment, settings=settings, services=services)
    async with stack:
        second = Service(
            "dispatcher", directory / "second", port=free_port(), environment=stack.environment
        )
        pair = Pair(world_of(stack), (stack.service("dispatcher"), second))
        try:
            await second.start()
            yield pair
        finally:
            # There is nothing to be done in good order any more.
            for dispatcher in pair.dispatchers:
                await dispatcher.kill9()


def repeats(received: Sequence[Mapping[str, object]]) -> Counter[tuple[str, str]]:
    """How often each text was seen again by its customer; only those that were."""
    seen = Counter((str(one["chat"]), str(one["text"])) for one in received)
    return Counter({key: count - 1 for key, count in seen.items() if count > 1})
