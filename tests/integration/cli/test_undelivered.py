"""Answers that were not delivered are found in Kafka, however old they are."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from recado.cli import undelivered
from recado.cli.reading import Stretch
from recado.cli.settings import CliSettings
from recado.devstack.stack.kafka import RealKafka
from recado.schemas.events import Event
from recado.schemas.topics import ANSWERS, DELIVERIES
from recado.servicekit.kafka import Publisher, make_event_producer
from recado.servicekit.topics import apply
from support import examples


async def publish(settings: CliSettings, *events: Event) -> datetime:
    """Write them; a time between these and the next ones."""
    producer = make_event_producer(settings, "test")
    await producer.start()
    try:
        await Publisher(producer, "test").publish(*events)
    finally:
        await producer.stop()
    await asyncio.sleep(0.02)  # the broker's times are whole milliseconds
    return datetime.now(UTC)


async def test_an_answer_is_found_that_is_much_older_than_its_outcome(
    kafka: RealKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that is not there at all stays without."""
    monkeypatch.setattr(undelivered, "BEFORE", timedelta(0))
    settings = CliSettings(kafka_bootstrap_servers=kafka.bootstrap)
    await apply(settings, [ANSWERS, DELIVERIES])
    old, young = (examples.ANSWER_GENERATED.model_copy(update={"id": uuid4()}) for _ in range(2))
    gone = uuid4()
    outcomes = [
        examples.ANSWER_NOT_DELIVERED.model_copy(update={"id": uuid4(), "answer_id": one})
        for one in (old.id, young.id, gone)
    ]
    since = await publish(settings, old)
    await publish(settings, young, *outcomes)
    found = await undelivered.find(settings, Stretch(since=since))
    ours = {one.outcome.answer_id: one.answer for one in found}
    assert (ours[old.id], ours[young.id], ours[gone]) == (old, young, None)
    delivered = examples.ANSWER_DELIVERED.model_copy(update={"id": uuid4(), "answer_id": old.id})
    await publish(settings, delivered)
    again = await undelivered.find(settings, Stretch(since=since))
    assert old.id not in {one.outcome.answer_id for one in again}
