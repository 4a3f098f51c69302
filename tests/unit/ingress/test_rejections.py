"""Rejected requests leave a bounded number of records and never wait for them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY

from recado.ingress.errors import KafkaAway
from recado.ingress.outbox import Outbox
from recado.ingress.recording import record
from recado.ingress.rejections import Rejections
from recado.schemas.encoding import EncodedEvent
from recado.schemas.ids import fresh_id
from recado.schemas.webhooks import WebhookOutcome, WebhookReceived

SLOWLY = 1e-9
"""A rate at which no token comes back during a test."""


def rejected() -> WebhookReceived:
    return record(
        id=fresh_id(),
        received_at=datetime(2026, 11, 22, tzinfo=UTC),
        platform="whatsapp",
        integration="main",
        event_type="unknown",
        outcome=WebhookOutcome.REJECTED,
        status=401,
    )


class Log:
    def __init__(self, *, up: bool = True) -> None:
        self.up = up
        self.written: list[EncodedEvent] = []
        self.outbox = Outbox(self.write, max_waiting=10, failures_until_shut=3)
        self.outbox.open()

    async def write(self, records: Sequence[EncodedEvent]) -> None:
        if not self.up:
            raise KafkaAway("away")
        self.written.extend(records)


def unrecorded() -> float:
    return REGISTRY.get_sample_value("recado_rejections_unrecorded_total") or 0.0


async def written(rejections: Rejections) -> None:
    task = asyncio.create_task(rejections.run())
    await rejections.drain(timedelta(seconds=5))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_source_has_a_burst_recorded_and_the_rest_counted() -> None:
    log, before = Log(), unrecorded()
    rejections = Rejections(log.outbox, per_second=SLOWLY, burst=3)

    noted = [rejections.note(rejected(), integration="a", source="1.1.1.1") for _ in range(10)]
    await written(rejections)

    assert noted == [True] * 3 + [False] * 7
    assert len(log.written) == 3
    assert unrecorded() - before == 7


async def test_another_source_is_recorded_still() -> None:
    rejections = Rejections(Log().outbox, per_second=SLOWLY, burst=1)
    rejections.note(rejected(), integration="a", source="1.1.1.1")

    assert rejections.note(rejected(), integration="a", source="2.2.2.2")
    assert rejections.note(rejected(), integration="b", source="1.1.1.1")


async def test_many_sources_together_have_a_bound_too() -> None:
    log = Log()
    rejections = Rejections(log.outbox, per_second=SLOWLY, burst=2)

    noted = [
        rejections.note(rejected(), integration="a", source=f"10.0.{n >> 8}.{n & 255}")
        for n in range(1000)
    ]

    assert sum(noted) == 20


async def test_with_kafka_away_they_are_dropped_and_counted_and_nobody_waits() -> None:
    log, before = Log(up=False), unrecorded()
    rejections = Rejections(log.outbox, per_second=1, burst=5)

    for _ in range(5):
        assert rejections.note(rejected(), integration="a", source="1.1.1.1")
    await written(rejections)

    assert log.written == []
    assert unrecorded() - before == 5


async def test_a_full_queue_drops_and_counts() -> None:
    rejections = Rejections(Log().outbox, per_second=1, burst=100, queue_size=2)

    noted = [rejections.note(rejected(), integration="a", source="1.1.1.1") for _ in range(4)]

    assert noted == [True, True, False, False]


async def test_a_drain_without_kafka_ends_all_the_same() -> None:
    before = unrecorded()
    rejections = Rejections(Log().outbox, per_second=1, burst=5)
    rejections.note(rejected(), integration="a", source="1.1.1.1")

    await rejections.drain(timedelta(0))  # nothing writes

    assert unrecorded() - before == 1
