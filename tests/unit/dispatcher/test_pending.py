"""While a result may still become known: no slot is held, and whoever comes next goes on."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import StatusCode

from recado.channels.errors import ResultUnknown
from recado.dispatcher.app import options
from recado.dispatcher.handlers import READS, LookAgain
from recado.dispatcher.observing import DispatcherMetrics
from recado.dispatcher.ports import Change, Document, Name
from recado.dispatcher.settings import DispatcherSettings
from recado.schemas.encoding import encode
from recado.schemas.events import AnswerDelivered, Event
from recado.servicekit import metrics
from recado_lanes import Lanes
from recado_lanes.testing import FakeConsumer, FakeDeadLetters, FakeKafka, poll_until
from support.dispatching import WHATSAPP, World, answer, record, status
from support.memory_documents import MemoryDocuments

OTHER = WHATSAPP.model_copy(update={"chat": "5491100000002"})


class CountingDocuments(MemoryDocuments):
    """Knows how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def update(self, change: Change) -> Document | None:
        self.asked += 1
        return await super().update(change)

    async def insert(self, collection: Name, document: Document) -> bool:
        self.asked += 1
        return await super().insert(collection, document)

    async def read(self, collection: Name, document_id: str) -> Document | None:
        self.asked += 1
        return await super().read(collection, document_id)


class Consumers:
    """Dispatchers of one world in a group of one at a time, each with a single slot."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kafka = FakeKafka({topic.name: 1 for topic in READS})
        self.letters = FakeDeadLetters()

    def publish(self, event: Event) -> None:
        encoded = encode(event, source="test")
        self.kafka.append(encoded.topic, encoded.value, key=encoded.key, headers=encoded.headers)

    @asynccontextmanager
    async def consumer(self) -> AsyncIterator[FakeConsumer]:
        member = FakeConsumer(self.kafka)
        member.lanes = Lanes(
            handlers=self.world.handlers.by_topic(),
            consumer=member,
            dead_letters=self.letters,
            options=options(DispatcherSettings().model_copy(update={"concurrency": 1})),
        )
        async with member.lanes:
            await self.kafka.join(member)
            yield member
        await self.kafka.leave(member)


def delivered(world: World, *events: Event) -> Callable[[], bool]:
    return lambda: (
        {event.id for event in events}
        <= {event.answer_id for event in world.published if isinstance(event, AnswerDelivered)}
    )


async def test_an_answer_whose_result_may_become_known_holds_no_slot() -> None:
    """With one slot in all, another conversation is answered and the report itself is handled."""
    world = World()
    world.platforms.results = [ResultUnknown("ReadTimeout")]
    consumers = Consumers(world)
    first, other = answer(1), answer(2, reply_to=OTHER)
    consumers.publish(first)
    consumers.publish(other)
    async with consumers.consumer() as consumer:
        await poll_until(delivered(world, other), consumer)
        assert len(world.published) == 1
        consumers.publish(status("wamid.X", of=first))
        await poll_until(delivered(world, first), consumer)
    assert len(world.platforms.asked) == 2
    assert consumers.letters.letters == []


async def test_whoever_gets_the_partition_next_looks_at_the_ledger_and_finishes_the_answer() -> (
    None
):
    """A stop does not wait for the result; after it the part counts as asked, by the ledger."""
    world = World()
    world.platforms.results = [ResultUnknown("ReadTimeout")]
    consumers = Consumers(world)
    consumers.publish(answer(1))
    async with consumers.consumer() as consumer:
        await poll_until(lambda: len(world.platforms.asked) == 1, consumer)
    assert world.published == []
    world.restart()
    await world.take(status("wamid.X", of=answer(1)))
    async with consumers.consumer() as consumer:
        await poll_until(delivered(world, answer(1)), consumer)
    assert len(world.platforms.asked) == 1


async def test_a_look_asks_mongodb_once_and_the_platform_never() -> None:
    """So that many conversations may wait at the same time."""
    documents = CountingDocuments()
    world = World(documents)
    world.platforms.results = [ResultUnknown("ReadTimeout")]
    with pytest.raises(LookAgain):
        await world.handlers.handle(record(answer(1)))
    documents.asked = 0
    for _ in range(3):
        with pytest.raises(LookAgain) as pending:
            await world.handlers.handle(record(answer(1)))
        assert pending.value.wait > timedelta(0)
        assert not pending.value.overloaded
    assert documents.asked == 3
    assert len(world.platforms.asked) == 1


async def test_a_look_is_no_error_in_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A span for each look, and none of them red."""
    spans: list[ReadableSpan] = []

    class Kept(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            spans.append(span)

    provider = TracerProvider()
    provider.add_span_processor(Kept())
    # Whatever another test left the process with.
    monkeypatch.setattr("recado.servicekit.tracing.trace.get_tracer_provider", lambda: provider)
    monkeypatch.setattr("recado.servicekit.tracing._TRACER", provider.get_tracer("test"))
    world = World()
    world.platforms.results = [ResultUnknown("ReadTimeout")]
    with pytest.raises(LookAgain):
        await world.handlers.handle(record(answer(1)))
    assert [span.status.status_code for span in spans] == [StatusCode.UNSET]


async def test_looking_again_is_neither_a_retry_nor_news() -> None:
    """A retry says that something failed; here nothing did."""
    world = World()
    observer = DispatcherMetrics(world.throttle, world.attention)
    world.platforms.results = [ResultUnknown("ReadTimeout")]
    one = record(answer(1))
    with pytest.raises(LookAgain) as pending:
        await world.handlers.handle(one)
    counted = metrics.RETRIES.labels(one.topic, "LookAgain")
    before = counted._value.get()
    with structlog.testing.capture_logs() as logs:
        observer.retrying(one, attempts=1, error=pending.value, wait=pending.value.wait)
        observer.retrying(one, attempts=1, error=ValueError(), wait=timedelta(seconds=1))
    assert counted._value.get() == before
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("dispatcher.looks_again", "debug"),
        ("consumer.retrying", "info"),
    ]
