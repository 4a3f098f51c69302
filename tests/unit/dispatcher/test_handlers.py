"""Records to work: what each error means for the record."""

from datetime import timedelta

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from recado.dispatcher.handlers import READS
from recado.schemas.encoding import encode
from recado.schemas.events import AnswerDelivered
from recado_lanes import Permanent, Record
from support.dispatching import NOW, World, answer, record


async def test_every_topic_has_its_handler() -> None:
    """Answers, messages, statuses and webhooks are read, and nothing else."""
    assert set(World().handlers.by_topic()) == {topic.name for topic in READS}


async def test_an_unknown_event_type_is_skipped() -> None:
    """A newer writer does not stop an older reader."""
    headers = (("ce_type", b"recado.answer.imagined.v1"),)
    world = World()
    await world.handlers.handle(Record("recado.answers", 0, 0, b"k", b"{}", headers, NOW))
    assert world.platforms.asked == []
    assert world.published == []


async def test_an_undecodable_record_is_a_dead_letter_that_quotes_nothing() -> None:
    """It is permanent, and its error holds no part of the value."""
    good = record(answer(1))
    bad = Record(good.topic, 0, 0, good.key, b'{"text": "secreto"}', good.headers, NOW)
    with pytest.raises(Permanent) as permanent:
        await World().handlers.handle(bad)
    assert "secreto" not in str(permanent.value)


async def test_an_event_of_another_topic_is_a_dead_letter() -> None:
    """What the dispatcher itself writes is not work for it."""
    outcome = AnswerDelivered(
        id=answer(1).id,
        occurred_at=NOW,
        answer_id=answer(1).id,
        conversation="c",
        message_ids=(),
        platform_message_ids=(),
    )
    with pytest.raises(Permanent):
        await World().handlers.handle(record(outcome))


async def test_the_trace_of_the_record_goes_on() -> None:
    """What is sent for a record belongs to the trace that its webhook began."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    seen: list[int] = []

    async def look() -> None:
        seen.append(trace.get_current_span().get_span_context().trace_id)

    world = World()
    world.platforms.before_answering = look
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    encoded = encode(answer(1), source="rag", traceparent=parent)
    await world.handlers.handle(
        Record(encoded.topic, 0, 0, encoded.key, encoded.value, encoded.headers, NOW)
    )
    assert seen == [0x0AF7651916CD43DD8448EB211C80319C]


async def test_a_deadline_is_not_judged_by_the_records_age() -> None:
    """A record that waited in the topic is sent as long as its own deadline allows."""
    world = World()
    await world.handlers.handle(record(answer(1), at=NOW - timedelta(hours=1)))
    assert world.platforms.arrived == ["respuesta a 1"]
